/** Checks an HLS recording the way a player would find out: reads the playlist, every packet, every picture. */
import { execFile } from 'node:child_process';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface RecordingCheck {
  /** Segments in the playlist. */
  readonly segments: number;
  /** Sum of the durations that the playlist states. */
  readonly playlistSeconds: number;
  /** Pictures in all segments. */
  readonly pictures: number;
  /** Sum of the time between one picture and the next, without the jumps. */
  readonly pictureSeconds: number;
  /** The longest time between one picture and the next. */
  readonly longestStepMs: number;
  /** Steps that are no pause but another start of the clock: the recorder was restarted there. */
  readonly jumps: number;
  /** Segments that the playlist names and the folder lacks. */
  readonly missing: readonly string[];
  /** What the decoder complained about. */
  readonly errors: readonly string[];
}

/** Longer or backward steps are a restart of the recorder. */
const JUMP_SECONDS = 10;

export async function checkRecording(ffmpeg: string, playlist: string): Promise<RecordingCheck> {
  const text = await readFile(playlist, 'utf8');
  const durations = [...text.matchAll(/^#EXTINF:([\d.]+)/gm)].map((match) => Number(match[1]));
  const names = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const present = new Set(await readdir(dirname(playlist)));

  // A recorder that was killed leaves its playlist open, and a player would wait for more.
  const ended = join(dirname(playlist), 'ended.m3u8');
  await writeFile(ended, text.includes('#EXT-X-ENDLIST') ? text : `${text}#EXT-X-ENDLIST\n`);

  const input = ['-v', 'error', '-i', ended, '-map', '0:v:0'];
  const packets = await run(ffmpeg, [...input, '-c', 'copy', '-copyts', '-f', 'framecrc', '-'], {
    maxBuffer: 64 << 20,
  });
  const decoded = await run(ffmpeg, [...input, '-f', 'null', '-']);
  const times = presentationSeconds(packets.stdout);
  const steps = times.slice(1).map((time, index) => time - (times[index] ?? time));
  const pauses = steps.filter((step) => step > 0 && step <= JUMP_SECONDS);
  return {
    segments: names.length,
    playlistSeconds: sum(durations),
    pictures: times.length,
    pictureSeconds: sum(pauses),
    longestStepMs: Math.max(0, ...pauses) * 1000,
    jumps: steps.length - pauses.length,
    missing: names.filter((name) => !present.has(name)),
    errors: `${packets.stderr}${decoded.stderr}`.split('\n').filter((line) => line !== ''),
  };
}

/** Reads FFmpeg's `framecrc` output: a time base per stream, then `stream, dts, pts, ...` per packet. */
export function presentationSeconds(framecrc: string): number[] {
  const base = /^#tb 0: (\d+)\/(\d+)$/m.exec(framecrc);
  const unit = Number(base?.[1] ?? 1) / Number(base?.[2] ?? 90_000);
  return [...framecrc.matchAll(/^0, *-?\d+, *(-?\d+),/gm)].map((match) => Number(match[1]) * unit);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

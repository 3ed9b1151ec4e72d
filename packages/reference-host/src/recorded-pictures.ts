/** What a finished HLS recording shows, picture by picture, and when. */
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { FfmpegBinary } from './ffmpeg/binary.js';
import { decodedPictures } from './ffmpeg/outputs.js';
import type { SourceVideo } from './ffmpeg/probe.js';
import { parseFrameMd5 } from './frame-hashes.js';

const run = promisify(execFile);
const OUTPUT_LIMIT = { maxBuffer: 256 << 20 };

export interface RecordedPicture {
  /** Presentation time in the recording. */
  readonly timeMs: number;
  /** MD5 of the decoded picture, as FFmpeg's `framemd5` output of a camera has it. */
  readonly hash: string;
}

/**
 * The pictures of one run of the recorder, in the order in which they are shown.
 *
 * @param playlist may be that of a recorder that was killed
 * @throws Error with FFmpeg's own words if the recording cannot be read
 */
export async function recordedPictures(
  ffmpeg: FfmpegBinary,
  playlist: string,
  video: Pick<SourceVideo, 'width' | 'height'>,
): Promise<readonly RecordedPicture[]> {
  const input = ['-v', 'error', '-nostdin', '-i', await endedPlaylist(playlist)];
  // Raw video has the time base of its frame rate, which is too coarse: the packets tell the time.
  const packets = [...input, '-map', '0:v:0', '-c', 'copy', '-copyts', '-f', 'framecrc', 'pipe:1'];
  const pictures = [...input, ...decodedPictures(ffmpeg, video), '-f', 'framemd5', 'pipe:1'];
  const [times, hashes] = await Promise.all([
    run(ffmpeg.path, packets, OUTPUT_LIMIT),
    run(ffmpeg.path, pictures, OUTPUT_LIMIT),
  ]);
  const timesMs = packetTimesMs(times.stdout).sort((a, b) => a - b);
  return parseFrameMd5(hashes.stdout).map((hash, index) => ({ timeMs: timesMs[index] ?? NaN, hash }));
}

/** Reads FFmpeg's `framecrc` output: a time base per stream, then `stream, dts, pts, ...` per packet. */
function packetTimesMs(framecrc: string): number[] {
  const base = /^#tb 0: (\d+)\/(\d+)$/m.exec(framecrc);
  const unitMs = (1000 * Number(base?.[1] ?? 1)) / Number(base?.[2] ?? 90_000);
  return [...framecrc.matchAll(/^0, *-?\d+, *(-?\d+),/gm)].map(([, pts]) => Number(pts) * unitMs);
}

/** The playlist, or a copy that ends: a killed recorder leaves it open, and FFmpeg would wait for more. */
async function endedPlaylist(playlist: string): Promise<string> {
  const text = await readFile(playlist, 'utf8');
  if (text.includes('#EXT-X-ENDLIST')) return playlist;
  const ended = join(dirname(playlist), 'ended.m3u8');
  await writeFile(ended, `${text}#EXT-X-ENDLIST\n`);
  return ended;
}

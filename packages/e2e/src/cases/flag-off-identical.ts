/** The flag off against no packages at all, on an input that is the same every time. */
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findFfmpeg } from '@vas/reference-host';
import type { Case } from '../run/case.js';
import { VIEWERS_PER_CAMERA } from '../run/stage.js';
import type { HostVariant, Stage } from '../run/stage.js';

const FILM_SECONDS = 4;

/** Calls by which a process reaches files, shared memory, pipes and other processes. */
const TRACED_CALLS =
  'openat,open,execve,memfd_create,fallocate,ftruncate,flock,pipe2,mkdir,mkdirat,rename,renameat2,unlink,unlinkat';

interface Played {
  readonly payloads: readonly string[];
  /** Names and bytes of the recording's segments. */
  readonly segments: readonly (readonly [string, string])[];
  /** Arguments of FFmpeg without the numbers of ports and the folders, which are new each time. */
  readonly ffmpeg: string;
  readonly systemCalls: readonly string[];
}

export const flagOffIdentical: Case = {
  name: 'flag-off-identical',
  title: 'The flag is off: the same recording, packets and system calls as without the packages',
  requirements: ['S1', 'G2', 'G7'],
  stage: { isFlagOn: false, sparePorts: 2 },
  isShort: true,
  run: async (stage, checks) => {
    const film = join(stage.folder('film'), 'film.mp4');
    const ffmpeg = (await findFfmpeg(stage.ffmpeg ?? undefined)).path;
    const source = `testsrc2=size=640x360:rate=25:duration=${FILM_SECONDS}`;
    const encoder = ['-c:v', 'libx264', '-preset', 'ultrafast', '-threads', '1', '-bf', '0', '-g', '25'];
    execFileSync(ffmpeg, [
      '-v',
      'error',
      '-f',
      'lavfi',
      '-i',
      source,
      ...encoder,
      '-pix_fmt',
      'yuv420p',
      film,
    ]);

    await stage.capturePayloads();
    const without = await play(stage, film, 0, { tap: 'none' });
    const off = await play(stage, film, 1, { tap: 'frame-export', isFlagOn: false });

    const packets = `${without.payloads.length} packets without, ${off.payloads.length} with`;
    checks.add(
      'the RTP payloads are the same, byte for byte',
      off.payloads.length > FILM_SECONDS * 25 && isSame(off.payloads, without.payloads),
      packets,
    );
    checks.add(
      'the recording is the same, byte for byte',
      off.segments.length > 0 && isSame(off.segments, without.segments),
      `${off.segments.length} segments`,
    );
    const isSameCommand = off.ffmpeg !== '' && off.ffmpeg === without.ffmpeg;
    checks.add(
      'FFmpeg gets the same arguments',
      isSameCommand,
      isSameCommand
        ? `${off.ffmpeg.split(' ').length} words`
        : `${off.ffmpeg}, and without: ${without.ffmpeg}`,
    );
    const more = off.systemCalls.filter((call) => !without.systemCalls.includes(call));
    const fewer = without.systemCalls.filter((call) => !off.systemCalls.includes(call));
    checks.add(
      'the host makes the same system calls',
      off.systemCalls.length > 0 && more.length === 0 && fewer.length === 0,
      `${off.systemCalls.length} kinds; more: ${more.join(' ')}; fewer: ${fewer.join(' ')}`,
    );
  },
};

/** Plays the film once through a host of its own to the spare port of this index. */
async function play(stage: Stage, film: string, index: number, variant: HostVariant): Promise<Played> {
  const name = `play-${index}`;
  const trace = join(stage.folder(name), 'trace');
  const port = stage.sparePorts[index] ?? 0;
  const recordingDir = join(stage.folder(name), 'recording');
  const camera = {
    cameraId: 'film',
    input: film,
    viewerPorts: [port],
    recordingDir,
    frameHashDir: null,
    commandPipe: null,
    router: null,
  };
  // Each process and thread has a file of its own; the host's are those that never execute something else.
  // It takes time from the cameras that are measured meanwhile only where they leave some.
  const strace = ['strace', '-ff', '-qq', '-e', `trace=${TRACED_CALLS}`, '-o', trace];
  const host = await stage.startHost([camera], { ...variant, launcher: ['nice', '-n', '19', ...strace] });
  const [started] = (await host.ask('status')).cameras;
  const ffmpeg = started?.ffmpegPid == null ? '' : readFileSync(`/proc/${started.ffmpegPid}/cmdline`, 'utf8');
  while ((await host.ask('status')).cameras[0]?.ffmpegPid != null) await sleep(100);
  await host.ask('stop');
  await host.stop();

  const names = readdirSync(recordingDir).filter((file) => file.endsWith('.ts'));
  const payloads = (await stage.payloads())[stage.cameras.length * VIEWERS_PER_CAMERA + index] ?? [];
  return {
    payloads,
    segments: names.sort().map((file) => [file, readFileSync(join(recordingDir, file), 'base64')] as const),
    ffmpeg: withoutNumbers(ffmpeg.replaceAll('\0', ' ').replaceAll(stage.folder(name), '')),
    systemCalls: systemCalls(stage.folder(name), stage.folder(name)),
  };
}

/**
 * The kinds of calls that the host's own threads made: name and path, without numbers. Loading JavaScript is
 * left out: the packages are imported, and that is all there is of them.
 */
function systemCalls(folder: string, recording: string): string[] {
  const kinds = new Set<string>();
  for (const name of readdirSync(folder).filter((file) => file.startsWith('trace.'))) {
    const text = readFileSync(join(folder, name), 'utf8');
    const isOfHost = !/^execve\(/m.test(text) || text.includes('host-process.js');
    if (!isOfHost) continue;
    for (const [line, call, path] of text.matchAll(/^(\w+)\((?:AT_FDCWD, )?(?:"([^"]*)")?.*$/gm)) {
      if (line.includes('ENOENT') || path?.match(/\.([cm]?js|json)$|^\/(proc|sys)\//) != null) continue;
      kinds.add(withoutNumbers(`${call}(${(path ?? '').replaceAll(recording, '')})`));
    }
  }
  return [...kinds].sort();
}

function withoutNumbers(text: string): string {
  return text.replaceAll(/\d+/g, 'N');
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

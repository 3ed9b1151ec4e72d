/** Finds an FFmpeg and learns how it spells the options whose names differ between versions 4 and 9. */
import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, resolve } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface FfmpegBinary {
  /** Absolute, or as the caller gave it. */
  readonly path: string;
  /** As it calls itself: `5.1.9-0+deb12u1`, `N-47683-g0e8eb07980-static`. */
  readonly version: string;
  /** All that `-version` prints, the versions of its libraries included. */
  readonly versionText: string;
  readonly options: FfmpegOptionNames;
}

export interface FfmpegOptionNames {
  /** `-fps_mode` came with 5.1; the older name is gone in the newest versions. */
  readonly frameRateMode: '-fps_mode' | '-vsync';
  /** Time limit for socket operations of the RTSP client. Up to 4.4 `-timeout` made it a listener instead. */
  readonly rtspTimeout: '-timeout' | '-stimeout';
}

/**
 * The FFmpeg at `path`, or else the first on the PATH, or else the one that `@ffmpeg-installer/ffmpeg` brought.
 * It is asked for its options and not for its version, which tells nothing for builds between releases.
 */
export async function findFfmpeg(
  path?: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<FfmpegBinary> {
  const binary = path ?? (await ffmpegOnPath(env['PATH'] ?? '')) ?? (await installedFfmpeg());
  const [version, options, rtsp] = await Promise.all([
    run(binary, ['-version']),
    run(binary, ['-hide_banner', '-h', 'long'], { maxBuffer: 4 << 20 }),
    run(binary, ['-hide_banner', '-h', 'demuxer=rtsp']),
  ]);
  return {
    path: binary,
    version: /^ffmpeg version (\S+)/.exec(version.stdout)?.[1] ?? 'unknown',
    versionText: version.stdout,
    options: optionNames(options.stdout, rtsp.stdout),
  };
}

/** Reads the names out of `ffmpeg -h long` and `ffmpeg -h demuxer=rtsp`. */
export function optionNames(mainHelp: string, rtspHelp: string): FfmpegOptionNames {
  return {
    frameRateMode: /^-fps_mode\b/m.test(mainHelp) ? '-fps_mode' : '-vsync',
    rtspTimeout: /^ +-stimeout\b/m.test(rtspHelp) ? '-stimeout' : '-timeout',
  };
}

async function ffmpegOnPath(path: string): Promise<string | undefined> {
  for (const folder of path.split(delimiter)) {
    if (folder === '') continue;
    const candidate = resolve(folder, 'ffmpeg');
    try {
      await access(candidate, constants.X_OK);
      return candidate;
    } catch {
      // Not in this folder.
    }
  }
  return undefined;
}

async function installedFfmpeg(): Promise<string> {
  try {
    return (await import('@ffmpeg-installer/ffmpeg')).default.path;
  } catch (cause) {
    // It throws strings.
    throw new Error('no ffmpeg on the PATH, and @ffmpeg-installer/ffmpeg has none for this machine', {
      cause,
    });
  }
}

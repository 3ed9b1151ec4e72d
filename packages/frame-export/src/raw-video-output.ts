/** The arguments that give a camera's FFmpeg its raw video output. Pure: asks no process and loads no native code. */
import { nv12Geometry } from '@vas/ring-buffer';
import { FrameExportError } from './errors.js';

export interface RawVideoOutputOptions {
  /** Width of the exported frames: what `openCamera` or `changeGeometry` was given. Even, in pixels. */
  readonly width: number;
  /** Height of the exported frames, even, in pixels. */
  readonly height: number;
  /** What `ffmpeg -version` prints. Its first line, or the version alone, is enough for a release. */
  readonly ffmpegVersion: string;
  /**
   * Position of the descriptor in the `stdio` of FFmpeg.
   * @default 3
   */
  readonly descriptor?: number | undefined;
  /**
   * `framed`: each frame comes with its presentation time, and the stream says what its frames are, so that frames
   * of another size are refused and counted. FFmpeg's muxer ends a frame when the next one comes, so each arrives one
   * frame interval later. `bare`: the pictures and nothing else, each at once.
   * @default 'framed'
   */
  readonly form?: 'framed' | 'bare' | undefined;
  /**
   * `true`: FFmpeg writes the frames from a thread of its own, and drops frames instead of waiting. A reading end
   * that stalls, stops or is gone then costs frames of this output and nothing else; up to 8 frames wait in
   * FFmpeg's memory. `false`: FFmpeg's other outputs stall with this one, and end when its reading end is gone.
   * @default true
   */
  readonly isIsolated?: boolean | undefined;
}

interface Muxer {
  readonly name: string;
  readonly options: Readonly<Record<string, string>>;
}

const MUXERS: Readonly<Record<'framed' | 'bare', Muxer>> = {
  framed: { name: 'matroska', options: { live: '1' } },
  bare: { name: 'rawvideo', options: {} },
};

/** Frames that may wait in FFmpeg. When there are more, FFmpeg drops all of them. */
const QUEUE_FRAMES = 8;

/**
 * The last arguments of an FFmpeg that is started by `camera.attach`: one more output, with every decoded frame of
 * the first input's first video stream once, as NV12 in limited range, scaled to the exported size whatever the
 * camera sends.
 *
 * FFmpeg's other arguments, and its other outputs, stay what they are.
 *
 * @throws FrameExportError `BAD_GEOMETRY`; `BAD_OPTION` if the version cannot be made out or the descriptor is none
 */
export function rawVideoOutput(options: RawVideoOutputOptions): string[] {
  const { width, height } = checkedSize(options);
  const { ffmpegVersion, descriptor = 3, form = 'framed', isIsolated = true } = options;
  if (!Object.hasOwn(MUXERS, form)) {
    throw new FrameExportError(
      'BAD_OPTION',
      `form is ${JSON.stringify(form)}, which is neither framed nor bare`,
    );
  }
  if (!Number.isInteger(descriptor) || descriptor < 1) {
    throw new FrameExportError('BAD_OPTION', `descriptor is ${String(descriptor)}, which is no output`);
  }
  return [
    // One stream: a second video stream would be interleaved with the first.
    ...['-map', '0:v:0'],
    // Neither doubled nor dropped to fit a frame rate.
    ...[frameRateMode(ffmpegVersion), 'passthrough'],
    // Without this, raw video counts time in whole frames: two frames that come closer together would make all later
    // ones late by one.
    ...['-enc_time_base', '1:90000'],
    // FFmpeg's versions differ in the range that they choose by themselves.
    ...['-vf', `scale=${String(width)}:${String(height)}:out_range=tv`],
    // The muxers below choose no encoder by themselves.
    ...['-c:v', 'rawvideo', '-pix_fmt', 'nv12'],
    ...(isIsolated ? isolated(MUXERS[form], descriptor) : alone(MUXERS[form], descriptor)),
  ];
}

/**
 * `fifo` has the thread and the queue. `tee` gives the pipe up when its reading end is gone, and goes on with its
 * other output, which takes everything. `fifo` alone would open the pipe again instead, which some muxers of some
 * versions do not survive, and there is no other reader to come.
 */
function isolated({ name, options }: Muxer, descriptor: number): string[] {
  const all = Object.entries({ f: name, ...options, onfail: 'ignore' }).map(
    ([key, value]) => `${key}=${value}`,
  );
  return [
    ...['-f', 'fifo', '-fifo_format', 'tee', '-queue_size', String(QUEUE_FRAMES)],
    ...['-drop_pkts_on_overflow', '1', `[${all.join(':')}]pipe:${String(descriptor)}|[f=null]-`],
  ];
}

function alone({ name, options }: Muxer, descriptor: number): string[] {
  const all = Object.entries(options).flatMap(([key, value]) => [`-${key}`, value]);
  return ['-f', name, ...all, `pipe:${String(descriptor)}`];
}

function checkedSize({ width, height }: RawVideoOutputOptions): { width: number; height: number } {
  try {
    return nv12Geometry(width, height);
  } catch (cause) {
    throw FrameExportError.from(cause);
  }
}

/** `-fps_mode` came with FFmpeg 5.1; the newest versions do not know the older name any more. */
function frameRateMode(ffmpegVersion: string): '-fps_mode' | '-vsync' {
  // Builds between releases have a version that tells nothing; their libraries have one that does.
  const library = /^libavformat +(\d+)\. *(\d+)/m.exec(ffmpegVersion);
  if (library !== null) return isAtLeast(library, 59, 27) ? '-fps_mode' : '-vsync';
  const release = /^(?:ffmpeg version )?n?(\d+)\.(\d+)/.exec(ffmpegVersion);
  if (release !== null) return isAtLeast(release, 5, 1) ? '-fps_mode' : '-vsync';
  throw new FrameExportError(
    'BAD_OPTION',
    `ffmpegVersion is ${JSON.stringify(ffmpegVersion.slice(0, 80))}, which is not what \`ffmpeg -version\` prints`,
  );
}

function isAtLeast(version: RegExpExecArray, major: number, minor: number): boolean {
  const [, foundMajor, foundMinor] = version.map(Number);
  return Number(foundMajor) > major || (foundMajor === major && Number(foundMinor) >= minor);
}

/** Learns what a source sends before its outputs are set up: the codec, and size and colours of its decoded frames. */
import type { FfmpegBinary } from './binary.js';
import { parseColours } from './colours.js';
import type { SourceColours } from './colours.js';
import { ingestArguments } from './ingest.js';
import type { Ingest } from './ingest.js';
import { FfmpegProcess } from './process.js';

export interface SourceVideo {
  /** FFmpeg's name: `h264`, `hevc`. */
  readonly codec: string;
  /** Width of a decoded frame in pixels, cropped and rotated as the raw output will have it; so is the height. */
  readonly width: number;
  readonly height: number;
  /** What the stream says of its colours. */
  readonly colours: SourceColours;
}

/** FFmpeg describes its input before everything else. */
const KEPT_CHARACTERS = 65_536;

/**
 * Opens the source for as long as it takes to get one frame. FFmpeg itself is asked and not ffprobe, which is
 * not always installed with it, and through a muxer whose header is made to be read by programs.
 *
 * @param signal ends the attempt early
 * @throws Error with FFmpeg's own words if the source cannot be opened or has no video
 */
export async function probe(binary: FfmpegBinary, ingest: Ingest, signal: AbortSignal): Promise<SourceVideo> {
  const ffmpeg = new FfmpegProcess({
    path: binary.path,
    keptCharacters: KEPT_CHARACTERS,
    args: [
      // Its description of the input is information; what went wrong is told apart by its level.
      ...['-loglevel', 'level+info'],
      ...ingestArguments(ingest, binary.options),
      ...['-map', '0:v:0', '-c:v:0', 'copy', '-frames:v:0', '1'],
      ...['-map', '0:v:0', '-c:v:1', 'rawvideo', '-pix_fmt:v:1', 'nv12', '-frames:v:1', '1'],
      ...['-f', 'framecrc', 'pipe:1'],
    ],
  });
  const stop = (): void => void ffmpeg.stop(500);
  signal.addEventListener('abort', stop, { once: true });
  try {
    if (signal.aborted) stop();
    const { lastWords } = await ffmpeg.exited;
    const video = parseProbe(ffmpeg.output);
    const failure = errorsOf(lastWords);
    if (video === null) throw new Error(failure === '' ? 'the source has no video' : failure);
    return { ...video, colours: parseColours(lastWords) };
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** Reads the header of the `framecrc` output: stream 0 is the source as it is, stream 1 its decoded frames. */
export function parseProbe(header: string): Omit<SourceVideo, 'colours'> | null {
  const codec = /^#codec_id 0: (\S+)$/m.exec(header)?.[1];
  const size = /^#dimensions 1: (\d+)x(\d+)$/m.exec(header);
  if (codec === undefined || size === null) return null;
  return { codec, width: Number(size[1]), height: Number(size[2]) };
}

/** FFmpeg's words of the levels error, fatal and panic, or all of them if it could not be started. */
function errorsOf(words: string): string {
  const lines = words.split('\n');
  if (!lines.some((line) => /\[info\]|\[error\]|\[fatal\]|\[panic\]/.test(line))) return words;
  return lines
    .filter((line) => /\[(error|fatal|panic)\]/.test(line))
    .map((line) => line.replace(/\[(error|fatal|panic)\] /, ''))
    .join('\n');
}

/**
 * One camera as VAS runs it: probe, one FFmpeg with all outputs, and again whenever it ends.
 *
 * This is where the frame path meets the video, and all of it stands in `#openExport` and `#startFfmpeg`. The frame
 * path may fail at any point; the camera then runs without its raw output. Until there is an exporter, only types of
 * `@vas/frame-export` are imported: a host that is given none loads nothing of the package.
 */
import { closeSync, constants, openSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CameraExport, FrameExporter, RawVideoOutputOptions } from '@vas/frame-export';
import type { FfmpegBinary } from './ffmpeg/binary.js';
import { ingestArguments } from './ffmpeg/ingest.js';
import type { Ingest } from './ffmpeg/ingest.js';
import { evenSize, outputArguments } from './ffmpeg/outputs.js';
import type { CameraOutputs } from './ffmpeg/outputs.js';
import { probe } from './ffmpeg/probe.js';
import type { SourceVideo } from './ffmpeg/probe.js';
import { FfmpegProcess } from './ffmpeg/process.js';

export interface CameraHostOptions {
  readonly cameraId: string;
  readonly ffmpeg: FfmpegBinary;
  readonly ingest: Ingest;
  readonly rtp: CameraOutputs['rtp'];
  /**
   * Asked before each start of FFmpeg for the sequence number of its first RTP packet. Viewers behind SRTP refuse
   * packets whose numbers begin again as replayed, so each start goes on where the former one ended.
   * @default FFmpeg begins with a low number of its own at each start
   */
  readonly nextSequence?: () => Promise<number>;
  readonly rtpVideo?: CameraOutputs['rtpVideo'];
  readonly keyFrameInterval?: number;
  /** Folder of the playlist and its segments, and the working directory of FFmpeg. It must exist. */
  readonly recordingDir: string;
  /** Left out: a host without the frame path, as VAS was before it. */
  readonly frameExporter?: FrameExporter;
  readonly slotCount?: number;
  /** How FFmpeg writes the exported frames, where it is not as `rawVideoOutput` has it by itself. */
  readonly rawVideo?: Pick<RawVideoOutputOptions, 'form' | 'isIsolated'>;
  /**
   * Folder for the MD5s of all decoded frames by FFmpeg itself, one file per start, named by
   * `frameHashFileName`. Left out: none are made.
   */
  readonly frameHashDir?: string | undefined;
  /**
   * Path of a named pipe from which every FFmpeg takes commands, such as `q` to end.
   * @default FFmpeg takes none
   */
  readonly commandPipe?: string | undefined;
  readonly onEvent?: (event: CameraHostEvent) => void;
}

export type CameraHostEvent =
  | { readonly type: 'probe-failed'; readonly message: string }
  | { readonly type: 'export-failed'; readonly code: string; readonly message: string }
  | {
      readonly type: 'ffmpeg-started';
      readonly pid: number | undefined;
      readonly video: SourceVideo;
      /** Whether its decoded frames are exported. */
      readonly isExported: boolean;
    }
  | {
      readonly type: 'ffmpeg-ended';
      readonly code: number | null;
      readonly signal: string | null;
      readonly message: string;
    }
  | { readonly type: 'stopped' };

const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 8000;
/** A run of this length was a success: what fails after it is tried again soon. */
const GOOD_RUN_MS = 10_000;

/** Name of the hash file of the `start`th FFmpeg, whose first frame is exported as `firstFrameId`. */
export function frameHashFileName(start: number, firstFrameId: number): string {
  return `${start}-${firstFrameId}.framemd5`;
}

/** What `frameHashFileName` put into a name, or `null` for other files. */
export function parseFrameHashFileName(name: string): { start: number; firstFrameId: number } | null {
  const match = /^(\d+)-(\d+)\.framemd5$/.exec(name);
  return match && { start: Number(match[1]), firstFrameId: Number(match[2]) };
}

export class CameraHost {
  readonly #options: CameraHostOptions;
  readonly #stopping = new AbortController();
  #running: Promise<void> | null = null;
  #export: CameraExport | null = null;
  #ffmpeg: FfmpegProcess | null = null;
  #starts = 0;

  constructor(options: CameraHostOptions) {
    this.#options = options;
  }

  /** Export of this camera; `null` before the first start, without an exporter, and after a failure. */
  get cameraExport(): CameraExport | null {
    return this.#export;
  }

  /** Process id of the FFmpeg that runs now. */
  get ffmpegPid(): number | undefined {
    return this.#ffmpeg?.pid;
  }

  /** How often FFmpeg was started. */
  get starts(): number {
    return this.#starts;
  }

  /** Resolves when the camera was stopped, or its file has been played. */
  get finished(): Promise<void> {
    return this.#running ?? Promise.resolve();
  }

  /** Connects, and goes on doing so until `stop`. A second call does nothing. */
  start(): void {
    this.#running ??= this.#run();
  }

  /** Ends FFmpeg so that the recording is complete, then the export. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#ffmpeg?.stop();
    await this.#running;
  }

  async #run(): Promise<void> {
    let failures = 0;
    while (!this.#stopping.signal.aborted) {
      const begun = performance.now();
      const isPlayed = await this.#connect();
      if (isPlayed) break;
      failures = performance.now() - begun > GOOD_RUN_MS ? 0 : failures + 1;
      const delayMs = Math.min(FIRST_DELAY_MS * 2 ** Math.max(0, failures - 1), LONGEST_DELAY_MS);
      await sleep(delayMs, undefined, { signal: this.#stopping.signal }).catch(() => {
        // Stopped meanwhile.
      });
    }
    this.#export?.close();
    this.#emit({ type: 'stopped' });
  }

  /** One connection, from its probe to the end of its FFmpeg. Returns whether that was the end of a file. */
  async #connect(): Promise<boolean> {
    const { ffmpeg, ingest } = this.#options;
    let video: SourceVideo;
    try {
      video = await probe(ffmpeg, ingest, this.#stopping.signal);
    } catch (error) {
      if (!this.#stopping.signal.aborted)
        this.#emit({ type: 'probe-failed', message: describe(error).message });
      return false;
    }
    const raw = await this.#rawArguments(video);
    // Without its number the video still flows.
    const firstSequence = await this.#options.nextSequence?.().catch(() => undefined);
    // A stop meanwhile found no FFmpeg to end.
    if (this.#stopping.signal.aborted) return false;

    try {
      this.#ffmpeg = this.#startFfmpeg(video, firstSequence, raw);
    } catch (error) {
      this.#emit({ type: 'ffmpeg-ended', code: null, signal: null, message: describe(error).message });
      return false;
    }
    const { code, signal, lastWords } = await this.#ffmpeg.exited;
    this.#ffmpeg = null;
    this.#emit({ type: 'ffmpeg-ended', code, signal, message: lastWords });
    return ingest.kind === 'file' && code === 0;
  }

  /** Arguments of FFmpeg's output for the exported frames; `null`: this run goes without. */
  async #rawArguments(video: SourceVideo): Promise<string[] | null> {
    const { frameExporter, ffmpeg, rawVideo } = this.#options;
    if (frameExporter === undefined) return null;
    try {
      const { rawVideoOutput } = await import('@vas/frame-export');
      return rawVideoOutput({ ...evenSize(video), ...rawVideo, ffmpegVersion: ffmpeg.versionText });
    } catch (error) {
      this.#emit({ type: 'export-failed', ...describe(error) });
      return null;
    }
  }

  /**
   * The export for frames of this size: opened at the first start, changed when the camera comes back with
   * another size, kept when it comes back as it was. `null`: this run goes without; the next one tries again.
   */
  #openExport(video: SourceVideo): CameraExport | null {
    const { frameExporter, cameraId, slotCount } = this.#options;
    if (frameExporter === undefined) return null;
    const { width, height } = evenSize(video);
    // The range that `rawVideoOutput` states to FFmpeg.
    const colours = { ...video.colours, range: 'limited' } as const;
    try {
      if (this.#export === null || this.#export.isClosed) {
        this.#export = frameExporter.openCamera({ cameraId, width, height, slotCount, colours });
      } else {
        // Does nothing if it is the same.
        this.#export.changeGeometry({ width, height, colours });
      }
      return this.#export;
    } catch (error) {
      // Closing tells the readers; an export that stayed open would look like a camera that has gone silent.
      this.#export?.close();
      this.#export = null;
      this.#emit({ type: 'export-failed', ...describe(error) });
      return null;
    }
  }

  #startFfmpeg(video: SourceVideo, firstSequence: number | undefined, raw: string[] | null): FfmpegProcess {
    const { ffmpeg, ingest, recordingDir, frameHashDir, commandPipe, ...options } = this.#options;
    const cameraExport = raw === null ? null : this.#openExport(video);
    const start = ++this.#starts;
    let started: FfmpegProcess | undefined;
    let isExported = false;
    const spawn = (rawFd: number | null, firstFrameId = 1): FfmpegProcess => {
      isExported = rawFd !== null;
      const frameHashFile =
        frameHashDir === undefined ? null : resolve(frameHashDir, frameHashFileName(start, firstFrameId));
      const outputs = { ...options, firstSequence, raw: isExported ? raw : null, frameHashFile };
      const args = [...ingestArguments(ingest, ffmpeg.options), ...outputArguments(ffmpeg, video, outputs)];
      // For writing as well: the pipe never ends, and to open it waits for nobody.
      const commandFd =
        commandPipe === undefined ? null : openSync(commandPipe, constants.O_RDWR | constants.O_NONBLOCK);
      try {
        started = new FfmpegProcess({ path: ffmpeg.path, args, cwd: recordingDir, rawFd, commandFd });
      } finally {
        if (commandFd !== null) closeSync(commandFd);
      }
      return started;
    };
    try {
      if (cameraExport !== null) {
        const firstFrameId = cameraExport.statistics().framesWritten + 1;
        cameraExport.attach((rawFd) => spawn(rawFd, firstFrameId));
        const { attachError } = cameraExport.statistics();
        if (attachError !== null) this.#emit({ type: 'export-failed', ...attachError });
      }
    } catch (error) {
      this.#emit({ type: 'export-failed', ...describe(error) });
    }
    const running = started ?? spawn(null);
    this.#emit({ type: 'ffmpeg-started', pid: running.pid, video, isExported });
    return running;
  }

  #emit(event: CameraHostEvent): void {
    this.#options.onEvent?.(event);
  }
}

function describe(error: unknown): { code: string; message: string } {
  if (!(error instanceof Error)) return { code: 'UNKNOWN', message: String(error) };
  return { code: 'code' in error ? String(error.code) : 'UNKNOWN', message: error.message };
}

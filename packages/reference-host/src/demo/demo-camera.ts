/** One camera of the demo: its source, the host that runs it, and the process that reads its frames. */
import { once } from 'node:events';
import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { FrameExporter } from '@vas/frame-export';
import { CameraHost } from '../camera-host.js';
import type { CameraHostEvent } from '../camera-host.js';
import type { FfmpegBinary } from '../ffmpeg/binary.js';
import { parseIngest } from '../ffmpeg/ingest.js';
import type { Ingest } from '../ffmpeg/ingest.js';
import { PLAYLIST, RECORDABLE_CODECS, evenSize } from '../ffmpeg/outputs.js';
import type { SourceVideo } from '../ffmpeg/probe.js';
import { readDecodedRuns } from '../frame-hashes.js';
import { recordedPictures } from '../recorded-pictures.js';
import { SyntheticCamera } from '../synthetic-camera.js';
import type { HashedFrame, ReaderMessage, ReaderStatus, ReaderTask, ViewerStatus } from './messages.js';
import { Worker } from './own-worker.js';
import { compareTimes } from './recorded-times.js';
import type { RecordedTimes } from './recorded-times.js';
import type { CameraReport } from './report.js';
import { verifyFrames } from './verification.js';

/** The picture of the demo's own cameras. */
const SYNTHETIC = { width: 640, height: 360, framesPerSecond: 25 };

export interface DemoCameraOptions {
  readonly cameraId: string;
  readonly ffmpeg: FfmpegBinary;
  /** RTSP URL or file; `null` for a camera of its own. */
  readonly input: string | null;
  /** UDP port of the viewer for this camera. */
  readonly rtpPort: number;
  readonly frameExporter: FrameExporter;
  /** Base folder of the exporter; `null` without the frame path. */
  readonly baseDir: string | null;
  /** Folder of the whole demo. */
  readonly folder: string;
}

export class DemoCamera {
  readonly cameraId: string;
  /** The viewer's last report. */
  viewer: ViewerStatus | null = null;
  /** The reader's last report. */
  reader: ReaderStatus | null = null;
  state = 'starting';
  readonly #host: CameraHost;
  readonly #source: SyntheticCamera | null;
  readonly #reader: Worker | null;
  readonly #ffmpeg: FfmpegBinary;
  readonly #input: string;
  readonly #recordingDir: string;
  readonly #frameHashDir: string;
  readonly #frames: HashedFrame[] = [];
  readonly #exportFailures = new Set<string>();
  #video: SourceVideo | null = null;
  #png: string | null = null;

  /** Starts everything. */
  static async start(options: DemoCameraOptions): Promise<DemoCamera> {
    const ingest =
      options.input === null ? await listeningIngest(options.cameraId) : parseIngest(options.input);
    return new DemoCamera(options, ingest);
  }

  private constructor(options: DemoCameraOptions, ingest: Ingest) {
    const { cameraId, ffmpeg, rtpPort, frameExporter, baseDir, folder } = options;
    this.cameraId = cameraId;
    this.#ffmpeg = ffmpeg;
    this.#input = ingest.kind === 'file' ? ingest.path : ingest.url;
    this.#recordingDir = join(folder, cameraId, 'recording');
    this.#frameHashDir = join(folder, cameraId, 'frame-hashes');
    mkdirSync(this.#recordingDir, { recursive: true });
    mkdirSync(this.#frameHashDir);

    this.#reader = baseDir === null ? null : this.#startReader(baseDir, join(folder, `${cameraId}.png`));
    this.#host = new CameraHost({
      cameraId,
      ffmpeg,
      ingest,
      rtp: { ip: '127.0.0.1', port: rtpPort, rtcpPort: rtpPort, payloadType: 96, ssrc: rtpPort },
      recordingDir: this.#recordingDir,
      frameExporter,
      ...(baseDir === null ? {} : { frameHashDir: this.#frameHashDir }),
      onEvent: (event) => {
        this.#observe(event);
      },
    });
    this.#source =
      ingest.kind === 'rtsp-listen' ? new SyntheticCamera({ ffmpeg, url: ingest.url, ...SYNTHETIC }) : null;
    this.#host.start();
    this.#source?.start();
  }

  /** Whether there are pictures: frames at the reader, or packets at the viewer where there is no reader. */
  get hasPictures(): boolean {
    return this.#reader === null ? (this.viewer?.packets ?? 0) > 0 : (this.reader?.framesRead ?? 0) > 0;
  }

  /** Resolves when nothing more will come: the file has been played, or the host has been stopped. */
  get finished(): Promise<void> {
    return this.#host.finished;
  }

  /** What went wrong on the way, as sentences. */
  get problems(): string[] {
    const readerFailure = this.#reader?.failure ?? null;
    return [...this.#exportFailures, ...(readerFailure === null ? [] : [readerFailure])].map(
      (problem) => `${this.cameraId}: ${problem}`,
    );
  }

  recordedBytes(): number {
    return this.#segments().reduce((sum, name) => sum + statSync(join(this.#recordingDir, name)).size, 0);
  }

  /** Ends the reader, then the camera; the recording is complete and every hash is written after it. */
  async stop(): Promise<void> {
    await this.#reader?.stop();
    await this.#host.stop();
    await this.#source?.stop();
  }

  /** The camera's part of the summary; asked for after `stop`. */
  async report(): Promise<CameraReport> {
    const { reader, viewer } = this;
    return {
      cameraId: this.cameraId,
      input: this.#input,
      sourceFramesPerSecond: this.#source === null ? null : SYNTHETIC.framesPerSecond,
      video: this.#video,
      ffmpegStarts: this.#host.starts,
      frames:
        this.#reader === null
          ? null
          : {
              framesPerSecond: reader?.framesPerSecond ?? 0,
              read: reader?.framesRead ?? 0,
              missed: reader?.framesMissed ?? 0,
              missedAtStart: reader?.framesMissedAtStart ?? 0,
              ...verifyFrames(this.#frames, readDecodedRuns(this.#frameHashDir)),
              times: await this.#recordedTimes(),
              medianAgeMs: reader?.medianAgeMs ?? 0,
              maxAgeMs: reader?.maxAgeMs ?? 0,
            },
      rtp: {
        packets: viewer?.packets ?? 0,
        packetsPerSecond: viewer?.packetsPerSecond ?? 0,
        lost: viewer?.lost ?? 0,
        longestGapMs: viewer?.longestGapMs ?? 0,
      },
      recording: {
        playlist: join(this.#recordingDir, PLAYLIST),
        segments: this.#segments().length,
        bytes: this.recordedBytes(),
      },
      png: this.#png,
    };
  }

  /** `null` where there is nothing to compare: no recording, none in the camera's own pictures, or several clocks. */
  async #recordedTimes(): Promise<RecordedTimes | null> {
    const video = this.#video;
    const isCopied = video !== null && RECORDABLE_CODECS.has(video.codec);
    if (!isCopied || this.#host.starts !== 1 || this.#segments().length === 0) return null;
    const playlist = join(this.#recordingDir, PLAYLIST);
    const recorded = await recordedPictures(this.#ffmpeg, playlist, evenSize(video));
    return compareTimes(this.#frames, recorded);
  }

  #startReader(baseDir: string, pngFile: string): Worker {
    const task: ReaderTask = { baseDir, cameraId: this.cameraId, pngFile };
    return new Worker('demo-reader', task, (message) => {
      const { status, hashes, pngFile: written = null } = message as ReaderMessage;
      this.reader = status;
      for (const frame of hashes) this.#frames.push(frame);
      this.#png = written;
    });
  }

  #observe(event: CameraHostEvent): void {
    switch (event.type) {
      case 'ffmpeg-started':
        this.state = 'running';
        this.#video = event.video;
        break;
      case 'export-failed':
        this.#exportFailures.add(`not exported: ${event.message} (${event.code})`);
        break;
      case 'probe-failed':
        this.state = `waiting: ${event.message.split('\n').at(-1) ?? ''}`;
        break;
      case 'ffmpeg-ended':
        this.state = 'reconnecting';
        break;
      case 'stopped':
        this.state = 'stopped';
    }
  }

  #segments(): string[] {
    return readdirSync(this.#recordingDir).filter((name) => name.endsWith('.ts'));
  }
}

/** An address of loopback that was free a moment ago, for a camera that publishes. */
async function listeningIngest(cameraId: string): Promise<Ingest> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return { kind: 'rtsp-listen', url: `rtsp://127.0.0.1:${port}/${cameraId}` };
}

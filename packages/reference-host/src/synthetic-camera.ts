/** A camera without hardware: a moving test picture, H.264, published over RTSP to a host that listens. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { FfmpegBinary } from './ffmpeg/binary.js';
import { FfmpegProcess } from './ffmpeg/process.js';

export interface SyntheticCameraOptions {
  readonly ffmpeg: FfmpegBinary;
  /** Where the host listens, `rtsp://127.0.0.1:<port>/<name>`. */
  readonly url: string;
  readonly width: number;
  readonly height: number;
  readonly framesPerSecond: number;
}

/** Nobody listens between the host's probe and its start, nor while it restarts. */
const RETRY_MS = 250;

export class SyntheticCamera {
  readonly #options: SyntheticCameraOptions;
  readonly #stopping = new AbortController();
  #running: Promise<void> | null = null;
  #ffmpeg: FfmpegProcess | null = null;

  constructor(options: SyntheticCameraOptions) {
    this.#options = options;
  }

  /** Publishes, and connects again whenever the connection is lost, until `stop`. */
  start(): void {
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#ffmpeg?.stop();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      this.#ffmpeg = new FfmpegProcess({
        path: this.#options.ffmpeg.path,
        args: publishArguments(this.#options),
      });
      await this.#ffmpeg.exited;
      await sleep(RETRY_MS, undefined, { signal: this.#stopping.signal }).catch(() => {
        // Stopped meanwhile.
      });
    }
  }
}

function publishArguments({ url, width, height, framesPerSecond }: SyntheticCameraOptions): string[] {
  return [
    ...['-re', '-f', 'lavfi', '-i', `testsrc2=size=${width}x${height}:rate=${framesPerSecond}`],
    ...['-vf', 'scale=out_color_matrix=bt709:out_range=tv'],
    ...['-colorspace', 'bt709', '-color_primaries', 'bt709', '-color_trc', 'bt709', '-color_range', 'tv'],
    ...['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-pix_fmt', 'yuv420p'],
    // A key frame each second: that is how soon a new viewer has a picture.
    ...['-g', `${framesPerSecond}`],
    ...['-f', 'rtsp', '-rtsp_transport', 'tcp', url],
  ];
}

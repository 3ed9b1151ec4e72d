/** The RTSP camera of `rtsp_camera.py`, as the suite drives it. */
import { fileURLToPath } from 'node:url';
import { JsonLineProcess } from '@vas/processes';
import { PYTHON } from '../machine/python.js';
import { packageFolder } from '../package-folder.js';

export interface PictureSize {
  readonly width: number;
  readonly height: number;
}

export interface CameraOptions extends PictureSize {
  readonly fps: number;
  /** Frames from one key frame to the next. */
  readonly keyInt: number;
}

interface CameraEvent {
  readonly event: string;
  readonly url?: string;
}

export class RtspCamera {
  readonly url: string;
  readonly #process: JsonLineProcess;

  private constructor(process: JsonLineProcess, url: string) {
    this.#process = process;
    this.url = url;
  }

  static async start({ width, height, fps, keyInt }: CameraOptions): Promise<RtspCamera> {
    const script = fileURLToPath(new URL('src/camera/rtsp_camera.py', packageFolder));
    const process = new JsonLineProcess(PYTHON, [
      script,
      `--width=${width}`,
      `--height=${height}`,
      `--fps=${fps}`,
      `--key-int=${keyInt}`,
    ]);
    const { url } = await process.next(isEvent('listening'));
    if (url === undefined) throw new Error('the camera does not say where it listens');
    return new RtspCamera(process, url);
  }

  /** Closes every client's connection; a new one is accepted at once. */
  async drop(): Promise<void> {
    await this.#command('drop');
  }

  /** Closes every client's connection and refuses new ones until `back`. */
  async away(): Promise<void> {
    await this.#command('away');
  }

  async back(): Promise<void> {
    await this.#command('back');
  }

  /** Closes every client's connection; from then on the picture has another size. */
  async resize({ width, height }: PictureSize): Promise<void> {
    await this.#command(`size ${width}x${height}`);
  }

  async stop(): Promise<void> {
    await this.#process.stop();
  }

  async #command(line: string): Promise<void> {
    this.#process.send(line);
    await this.#process.next(isEvent('done'));
  }
}

function isEvent(name: string): (line: unknown) => line is CameraEvent {
  return (line): line is CameraEvent =>
    typeof line === 'object' && line !== null && 'event' in line && line.event === name;
}

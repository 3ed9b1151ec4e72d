/**
 * The control: raw frames taken the way one writes it in Node, with a `'data'` handler that copies them. It
 * looks like an exporter to the reference host, and shows what the host's JavaScript thread does to FFmpeg.
 */
import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type {
  CameraExport,
  CameraExportStatistics,
  CameraHealth,
  FrameExporter,
  FrameExporterStatistics,
  OpenCameraOptions,
} from '@vas/frame-export';

export class DataHandlerExporter implements FrameExporter {
  readonly isEnabled = true;
  readonly #cameras = new Set<DataHandlerCamera>();
  #isClosed = false;

  get isClosed(): boolean {
    return this.#isClosed;
  }

  openCamera(options: OpenCameraOptions): CameraExport {
    const camera = new DataHandlerCamera(options);
    this.#cameras.add(camera);
    return camera;
  }

  sweep(): number {
    return 0;
  }

  statistics(): FrameExporterStatistics {
    const cameras = [...this.#cameras].map((camera) => ({
      cameraId: camera.cameraId,
      health: camera.health(),
      statistics: camera.statistics(),
    }));
    const totals = {
      camerasOpened: cameras.length,
      framesWritten: 0,
      framesIncomplete: 0,
      framesRejected: 0,
      framesDiscarded: 0,
      bytesWritten: 0,
      drainPanics: 0,
    };
    for (const { statistics } of cameras) totals.framesWritten += statistics.framesWritten;
    return { isEnabled: true, cameras, totals };
  }

  close(): void {
    this.#isClosed = true;
    for (const camera of this.#cameras) camera.close();
  }
}

class DataHandlerCamera implements CameraExport {
  readonly cameraId: string;
  readonly isEnabled = true;
  readonly source: CameraExport['source'];
  readonly #newest: Uint8Array;
  readonly #pipes = new Set<Socket>();
  #received = 0;
  #frames = 0;
  #isClosed = false;

  constructor({ cameraId, width, height }: OpenCameraOptions) {
    this.cameraId = cameraId;
    // Nothing is exported: there is nothing to find.
    this.source = { cameraId, path: '', layoutVersion: 0 };
    this.#newest = new Uint8Array((width * height * 3) / 2);
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  attach<T>(spawn: (fd: number | null) => T): T {
    const [readFd, writeFd] = openPipe();
    const pipe = new Socket({ fd: readFd, readable: true, writable: false });
    this.#pipes.add(pipe);
    pipe.on('data', (bytes) => {
      this.#take(bytes);
    });
    pipe.once('close', () => this.#pipes.delete(pipe));
    try {
      return spawn(writeFd);
    } finally {
      closeSync(writeFd);
    }
  }

  publish(): 'disabled' {
    return 'disabled';
  }

  changeGeometry(): void {
    throw new Error('the control knows one size only');
  }

  health(): CameraHealth {
    return {
      cameraId: this.cameraId,
      state: this.#isClosed ? 'closed' : 'live',
      reason: null,
      framesPerSecond: null,
      frameAgeMs: null,
    };
  }

  statistics(): CameraExportStatistics {
    return {
      framesWritten: this.#frames,
      framesIncomplete: 0,
      framesRejected: 0,
      framesDiscarded: 0,
      bytesWritten: this.#frames * this.#newest.length,
      frameAgeMs: null,
      drain: 'publishing',
      discardReason: null,
      stream: 'bare',
      streamDamages: 0,
      pipeSizeBytes: 0,
      generation: 1,
      drainPanics: 0,
      restored: 0,
      notInPlace: null,
      attachError: null,
    };
  }

  close(): void {
    this.#isClosed = true;
    for (const pipe of this.#pipes) pipe.destroy();
  }

  #take(bytes: Uint8Array): void {
    let rest = bytes;
    while (rest.length > 0) {
      const part = rest.subarray(0, this.#newest.length - this.#received);
      this.#newest.set(part, this.#received);
      this.#received += part.length;
      rest = rest.subarray(part.length);
      if (this.#received === this.#newest.length) {
        this.#received = 0;
        this.#frames += 1;
      }
    }
  }
}

/** A real pipe, as the drain has one: what Node itself makes for `stdio: 'pipe'` is a pair of sockets. */
function openPipe(): [readFd: number, writeFd: number] {
  const folder = mkdtempSync(join(tmpdir(), 'vas-e2e-pipe-'));
  try {
    const path = join(folder, 'pipe');
    execFileSync('mkfifo', [path]);
    // Without O_NONBLOCK the opening would wait for the other end.
    const readFd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    return [readFd, openSync(path, constants.O_WRONLY)];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A video server reduced to the frame export of one camera: does what it is told. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { createFrameExporter } from '@vas/frame-export';
import type { CameraExport, CameraGeometry, OpenCameraOptions } from '@vas/frame-export';
import { answerRequests } from '@vas/processes';
import { usageOf } from '../usage.js';
import { collectGarbage } from './collect-garbage.js';

const ON = { AI_FRAME_EXPORT_ENABLED: 'true' };

let camera: CameraExport | null = null;
let picture = new Uint8Array();
let feeder: ChildProcess | null = null;
let ticker: NodeJS.Timeout | undefined;

function opened(): CameraExport {
  if (camera === null) throw new Error('no camera is open');
  return camera;
}

function publish(): void {
  picture.fill((picture[0] ?? 0) + 1);
  const outcome = opened().publish(picture);
  if (outcome !== 'published') throw new Error(`publish: ${outcome}`);
}

function resize({ width, height }: CameraGeometry): void {
  picture = new Uint8Array((width * height * 3) / 2);
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await sleep(1);
}

const actions = {
  open({ baseDir, camera: options }: { baseDir: string; camera: OpenCameraOptions }) {
    camera = createFrameExporter({ baseDir, env: ON }).openCamera(options);
    resize(options);
    return camera.source.path;
  },
  publish({ frames }: { frames: number }) {
    for (let i = 0; i < frames; i++) publish();
  },
  keepPublishing({ everyMs }: { everyMs: number }) {
    ticker = setInterval(publish, everyMs);
  },
  stopPublishing() {
    clearInterval(ticker);
  },
  /** Stands in for an FFmpeg: writes what it is fed to the pipe that is exported. */
  attachFeeder() {
    feeder = opened().attach((fd) => spawn('cat', { stdio: ['pipe', fd ?? 'ignore', 'inherit'] }));
  },
  /** Returns when the drain has seen all of the frames. */
  async feed({ frames }: { frames: number }) {
    const seen = (): number => {
      const { framesWritten, framesDiscarded } = opened().statistics();
      return framesWritten + framesDiscarded;
    };
    const before = seen();
    feeder?.stdin?.write(new Uint8Array(picture.length * frames));
    await until(() => seen() >= before + frames);
  },
  async endFeeder() {
    feeder?.stdin?.end();
    if (feeder?.exitCode === null) await once(feeder, 'exit');
    await until(() => opened().statistics().drain === 'detached');
  },
  /** A pipe through which frames come as fast as it takes them. */
  attachFullSpeed({ frames }: { frames: number }) {
    const bytes = String(frames * picture.length);
    feeder = opened().attach((fd) =>
      spawn('head', ['-c', bytes, '/dev/zero'], { stdio: ['ignore', fd ?? 'ignore', 'inherit'] }),
    );
  },
  changeGeometry(geometry: CameraGeometry) {
    opened().changeGeometry(geometry);
    resize(geometry);
  },
  /** To and fro between two geometries, with a frame in each. */
  changeOften({ times, geometries }: { times: number; geometries: readonly CameraGeometry[] }) {
    for (let i = 0; i < times; i++) {
      const geometry = geometries[i % geometries.length];
      if (geometry === undefined) throw new Error('no geometry');
      opened().changeGeometry(geometry);
      resize(geometry);
      publish();
    }
  },
  /** Opens, publishes and closes, again and again. */
  openAndClose(request: { times: number; baseDir: string; camera: OpenCameraOptions }) {
    const exporter = createFrameExporter({ baseDir: request.baseDir, env: ON });
    resize(request.camera);
    for (let i = 0; i < request.times; i++) {
      camera = exporter.openCamera(request.camera);
      publish();
      camera.close();
    }
  },
  statistics() {
    const { framesWritten, framesDiscarded, framesIncomplete, drain } = opened().statistics();
    return { framesWritten, framesDiscarded, framesIncomplete, drain };
  },
  async usage({ baseDir }: { baseDir: string }) {
    await collectGarbage();
    return usageOf('self', baseDir);
  },
  close() {
    opened().close();
  },
};

export type HostActions = typeof actions;

answerRequests(actions);

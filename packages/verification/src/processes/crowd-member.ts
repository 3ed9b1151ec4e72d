/** One of a crowd that opens, closes, reads and sweeps the same cameras at the same time. */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { createFrameExporter } from '@vas/frame-export';
import type { CameraExport } from '@vas/frame-export';
import { openFrameSource } from '@vas/frame-export/reader';
import { answerRequests } from '@vas/processes';

interface Place {
  readonly baseDir: string;
  readonly cameras: readonly string[];
}

const require = createRequire(import.meta.url);
const tally = { opened: 0, refused: 0, read: 0, swept: 0, sweeps: 0 };

interface Cleaner {
  readonly sweep: (baseDir: string) => number;
}

/** Removing what the dead left is for hosts, and not part of the public interface yet. */
function cleaner(): Cleaner {
  const packageDir = dirname(require.resolve('@vas/frame-export/package.json'));
  return require(join(packageDir, 'native/binding.cjs')) as Cleaner;
}

function anyOf<T>(values: readonly T[]): T {
  const value = values[Math.floor(Math.random() * values.length)];
  if (value === undefined) throw new Error('nothing to choose from');
  return value;
}

const GEOMETRIES = [
  { width: 64, height: 48 },
  { width: 96, height: 48 },
] as const;

/** Publishes and looks whether a reader finds just that. */
function publishAndFind(camera: CameraExport, sizeBytes: number): void {
  const own = process.pid & 0xff;
  const outcome = camera.publish(new Uint8Array(sizeBytes).fill(own), BigInt(process.pid));
  if (outcome !== 'published') throw new Error(`publish: ${outcome}`);
  const source = openFrameSource(camera.source);
  const look = source.lookNewest(
    (picture, frame) =>
      frame.sourceTimestampNs === BigInt(process.pid) && picture.every((byte) => byte === own),
  );
  const { state } = source.health();
  source.close();
  if (look.status !== 'frame' || !look.value || state !== 'live')
    throw new Error(`an export that is open shows ${look.status} and is ${state}`);
}

const actions = {
  async write({ baseDir, cameras }: Place) {
    const exporter = createFrameExporter({ baseDir, env: { AI_FRAME_EXPORT_ENABLED: 'true' } });
    for (;;) {
      try {
        const first = anyOf(GEOMETRIES);
        const camera = exporter.openCamera({ cameraId: anyOf(cameras), ...first });
        tally.opened += 1;
        publishAndFind(camera, (first.width * first.height * 3) / 2);
        await turn();
        const second = anyOf(GEOMETRIES);
        camera.changeGeometry(second);
        publishAndFind(camera, (second.width * second.height * 3) / 2);
        camera.close();
      } catch (error) {
        if ((error as { code?: string }).code !== 'ALREADY_EXPORTED') throw error;
        tally.refused += 1;
      }
      await turn();
    }
  },
  async sweep({ baseDir }: Place) {
    const { sweep } = cleaner();
    for (;;) {
      tally.swept += sweep(baseDir);
      tally.sweeps += 1;
      await turn();
    }
  },
  async read({ baseDir, cameras }: Place) {
    const sources = cameras.map((cameraId) => openFrameSource({ baseDir, cameraId }));
    for (;;) {
      const source = anyOf(sources);
      const look = source.lookNewest(
        (picture, frame) =>
          frame.sourceTimestampNs !== null &&
          picture.every((byte) => byte === Number(frame.sourceTimestampNs) % 256),
      );
      if (look.status === 'frame') {
        if (!look.value) throw new Error('a mixture of two frames was accepted');
        tally.read += 1;
      } else if (look.status === 'incompatible') {
        throw look.error;
      } else {
        source.reopen();
      }
      if (source.health().state === 'hung') throw new Error('a writer was said to hang');
      await turn();
    }
  },
  tally: () => tally,
  sweepOnce: ({ baseDir }: Place) => cleaner().sweep(baseDir),
};

export type CrowdMemberActions = typeof actions;

answerRequests(actions);

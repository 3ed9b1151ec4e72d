/** One of a crowd that opens, closes, reads and sweeps the same cameras at the same time. */
import { setImmediate as turn } from 'node:timers/promises';
import { createFrameExporter } from '@vas/frame-export';
import type { CameraExport, FrameExporter } from '@vas/frame-export';
import { openFrameSource } from '@vas/frame-export/reader';
import { answerRequests } from '@vas/processes';

interface Place {
  readonly baseDir: string;
  readonly cameras: readonly string[];
}

const tally = { opened: 0, refused: 0, read: 0, swept: 0, sweeps: 0 };

function exporterOf({ baseDir }: Place): FrameExporter {
  return createFrameExporter({ baseDir, env: { AI_FRAME_EXPORT_ENABLED: 'true' } });
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
  async write(place: Place) {
    const exporter = exporterOf(place);
    for (;;) {
      try {
        const first = anyOf(GEOMETRIES);
        const camera = exporter.openCamera({ cameraId: anyOf(place.cameras), ...first });
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
  async sweep(place: Place) {
    const exporter = exporterOf(place);
    for (;;) {
      tally.swept += exporter.sweep();
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
  sweepOnce: (place: Place) => exporterOf(place).sweep(),
};

export type CrowdMemberActions = typeof actions;

answerRequests(actions);

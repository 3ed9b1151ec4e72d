/** This project, from JavaScript: the host publishes from memory, the reader is the loop of its README. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createFrameExporter } from '@vas/frame-export';
import { frames } from '@vas/frame-export/reader';
import type { Publisher } from './node-peer.js';
import { Reading } from './reading.js';

export function openCamera(folder: string): Publisher {
  const exporter = createFrameExporter({ baseDir: folder, env: { AI_FRAME_EXPORT_ENABLED: 'true' } });
  const camera = exporter.openCamera({ cameraId: 'camera', width: 1920, height: 1080 });
  return {
    publish(picture) {
      const status = camera.publish(picture);
      if (status !== 'published') throw new Error(status);
    },
  };
}

export async function readFrames(folder: string, report: string, options: readonly string[]): Promise<void> {
  const reading = new Reading({ report, isChecked: options.includes('--check') });
  const holdMs = options.includes('--hold-ms') ? Number(options[options.indexOf('--hold-ms') + 1]) : 0;
  const ending = new AbortController();
  process.once('SIGTERM', () => {
    ending.abort();
  });
  let failure: string | null = null;
  const loop = frames({ path: join(folder, 'camera') }, { signal: ending.signal });
  reading.begin();
  try {
    for await (const { picture } of loop) {
      reading.count(picture);
      if (holdMs > 0) await sleep(holdMs);
    }
  } catch (error) {
    if (!ending.signal.aborted) failure = String(error);
  }
  reading.end(failure);
}

import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { mappingsOf, ownBaseDir } from './base-dir.js';
import { open } from './cameras.js';

describe('a worker that is terminated', () => {
  it('P2.5: while it opens a source leaves no mapping behind', { timeout: 120_000 }, async () => {
    const baseDir = ownBaseDir();
    const camera = open(baseDir);
    const before = mappingsOf(baseDir);
    const script = fileURLToPath(new URL('processes/opening-worker.mjs', import.meta.url));
    for (let turn = 0; turn < 100; turn += 1) {
      const worker = new Worker(script, { workerData: camera.source });
      await once(worker, 'message');
      await sleep(turn % 5);
      await worker.terminate();
    }
    expect(mappingsOf(baseDir)).toBe(before);
  });
});

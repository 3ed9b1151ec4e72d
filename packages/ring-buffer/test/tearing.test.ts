import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import type { FrameRingStatistics } from '@vas/ring-buffer';
import { allocateFrameRing } from '@vas/ring-buffer';

interface Counts {
  readonly copied: number;
  readonly looked: number;
  readonly tornAccepted: number;
  readonly tornSeen: number;
  readonly overwritten: number;
  readonly uncounted: number;
}

describe('a writer and readers at full speed in threads of their own', () => {
  it('P1.3 P1.4: never yield a torn frame, although torn frames are to be seen before the check', async () => {
    const memory = allocateFrameRing({ width: 640, height: 360, slotCount: 3, shared: true });
    const stop = new Int32Array(new SharedArrayBuffer(4));
    /** Torn frames seen before the check, reads that ended with `overwritten`; by all readers. */
    const tally = new Int32Array(new SharedArrayBuffer(8));
    const start = (script: string): Worker =>
      new Worker(new URL(`workers/${script}`, import.meta.url), { workerData: { memory, stop, tally } });
    const writer = start('write-at-full-speed.mjs');
    const readers = [1, 2, 3].map(() => start('read-at-full-speed.mjs'));
    const reports = [writer, ...readers].map(async (worker) => {
      const [report] = (await once(worker, 'message')) as [unknown];
      return report;
    });

    // Three seconds, and on a busy machine longer, until a reader has been overtaken in the middle of a picture.
    const startedAt = performance.now();
    const elapsed = (): number => performance.now() - startedAt;
    while (elapsed() < 3000 || (elapsed() < 30_000 && tally.includes(0))) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    Atomics.store(stop, 0, 1);
    const [written, ...counts] = (await Promise.all(reports)) as [FrameRingStatistics, ...Counts[]];

    expect(written.framesWritten).toBeGreaterThan(1000);
    const sum = (key: keyof Counts): number => counts.reduce((total, count) => total + count[key], 0);
    expect(sum('copied')).toBeGreaterThan(0);
    expect(sum('looked')).toBeGreaterThan(0);
    expect(sum('overwritten')).toBeGreaterThan(0);
    expect(sum('tornSeen')).toBeGreaterThan(0);
    expect(sum('uncounted')).toBe(0);
    expect(sum('tornAccepted')).toBe(0);
  });
});

import { readFileSync, readdirSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { ownBaseDir } from './base-dir.js';
import { exporterOn, open, picture, sourceOf } from './cameras.js';
import { frames } from '@vas/frame-export/reader';
import type { ArrivedFrame, FramesOptions, SourceLoss } from '@vas/frame-export/reader';

/** Longer than anything here takes, also on a busy machine. */
const LONG = 30_000;

/** Timers and handles that keep this process alive. */
function timers(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
}

/** How often the threads that wait for frames have slept. */
function sleepsOfWaitingThreads(): number {
  let sleeps = 0;
  for (const task of readdirSync('/proc/self/task')) {
    if (readFileSync(`/proc/self/task/${task}/comm`, 'utf8') !== 'vas-wait\n') continue;
    const status = readFileSync(`/proc/self/task/${task}/status`, 'utf8');
    sleeps += Number(/^voluntary_ctxt_switches:\t(\d+)/m.exec(status)?.[1]);
  }
  return sleeps;
}

function collect(
  path: string,
  options: FramesOptions = {},
): { readonly ids: number[]; readonly done: Promise<void> } {
  const ids: number[] = [];
  const done = (async () => {
    for await (const { frame } of frames({ path }, options)) ids.push(frame.frameId);
  })();
  return { ids, done };
}

async function until(isSo: () => boolean): Promise<void> {
  const start = performance.now();
  while (!isSo()) {
    if (performance.now() - start > LONG) throw new Error('it did not happen');
    await sleep(1);
  }
}

describe('frames', () => {
  it('P2.17: gives each frame as it comes, with its picture, and ends with the camera', async () => {
    const camera = open(ownBaseDir());
    const arrived: ArrivedFrame[] = [];
    const reading = (async () => {
      for await (const one of frames(camera.source)) {
        arrived.push({ ...one, picture: one.picture.slice() });
        if (one.frame.frameId === 5) camera.close();
        else camera.publish(picture(one.frame.frameId + 1));
      }
    })();
    camera.publish(picture(1));
    await reading;
    expect(arrived.map(({ frame }) => frame.frameId)).toEqual([1, 2, 3, 4, 5]);
    for (const { frame, missed, picture: seen, source } of arrived) {
      expect(seen).toEqual(picture(frame.frameId));
      expect(missed).toBe(0);
      expect(source.path).toBe(camera.source.path);
      expect(source.isClosed).toBe(true);
    }
  });

  it('P2.17: sleeps in one native thread, and runs no timer on the event loop', async () => {
    const camera = open(ownBaseDir());
    const reading = collect(camera.source.path);
    const other = collect(camera.source.path);
    await sleep(300);
    const before = sleepsOfWaitingThreads();
    const timersBefore = timers();
    const count = 40;
    for (let id = 1; id <= count; id += 1) {
      camera.publish(picture(id));
      await sleep(20);
    }
    // Timers of the test itself, one at a time.
    expect(timers()).toBeLessThanOrEqual(timersBefore);
    await until(() => reading.ids.at(-1) === count && other.ids.at(-1) === count);
    const sleeps = sleepsOfWaitingThreads() - before;
    expect(reading.ids.length).toBeGreaterThan(count * 0.8);
    expect(sleeps).toBeGreaterThan(count * 0.5);
    // At first it does not know whether this writer rings; an alarm of JavaScript is a sleep, too.
    expect(sleeps).toBeLessThan(count * 4);
    camera.close();
    await Promise.all([reading.done, other.done]);
  });

  it('P2.17: is served by prediction where the writer does not wake', async () => {
    const exporter = exporterOn(ownBaseDir(), { wakeReaders: false });
    const camera = exporter.openCamera({ cameraId: 'cam', width: 64, height: 48 });
    const reading = collect(camera.source.path);
    for (let id = 1; id <= 40; id += 1) {
      camera.publish(picture(id));
      await sleep(20);
    }
    await until(() => reading.ids.at(-1) === 40);
    expect(reading.ids.length).toBeGreaterThan(32);
    camera.close();
    await reading.done;
  });

  it('P2.17: waits for many sources at once, and for cameras that are not there yet', async () => {
    const baseDir = ownBaseDir();
    const exporter = exporterOn(baseDir);
    const names = ['a', 'b', 'c'];
    const seen = new Map<string, number>();
    const reading = (async () => {
      const sources = names.map((cameraId) => ({ baseDir, cameraId }));
      for await (const { source, frame } of frames(sources)) seen.set(source.path, frame.frameId);
    })();
    await sleep(50);
    const cameras = names.map((cameraId) => exporter.openCamera({ cameraId, width: 64, height: 48 }));
    for (const camera of cameras) {
      camera.publish(picture(1));
      await until(() => seen.get(camera.source.path) === 1);
    }
    for (const camera of cameras) camera.close();
    await reading;
    expect(seen.size).toBe(3);
  });

  it('P2.7: reopens by itself after a change of geometry and a restart, or hands the outcome out', async () => {
    const baseDir = ownBaseDir();
    const camera = open(baseDir);
    const losses: SourceLoss[] = [];
    const sizes: number[] = [];
    const controller = new AbortController();
    const reading = (async () => {
      const onLoss = (loss: SourceLoss) => {
        losses.push(loss);
        return 'reopen' as const;
      };
      for await (const one of frames(camera.source, { onLoss, signal: controller.signal })) {
        sizes.push(one.picture.length);
      }
    })();
    camera.publish(picture(1));
    await until(() => sizes.length === 1);
    camera.changeGeometry({ width: 32, height: 32 });
    camera.publish(picture(2, 32 * 32 * 1.5));
    await until(() => sizes.length === 2);
    camera.close();
    await until(() => losses.includes('ended'));
    const next = open(baseDir);
    next.publish(picture(1));
    await until(() => sizes.length === 3);
    controller.abort(new Error('enough'));
    await expect(reading).rejects.toThrow('enough');
    expect(sizes).toEqual([64 * 48 * 1.5, 32 * 32 * 1.5, 64 * 48 * 1.5]);
    expect(losses[0]).toBe('replaced');
    expect(losses.filter((loss) => loss === 'ended')).toHaveLength(1);
  });

  it('P2.17: is ended by an AbortSignal at once, also one that was aborted before', async () => {
    const camera = open(ownBaseDir());
    const controller = new AbortController();
    const reading = collect(camera.source.path, { signal: controller.signal });
    await sleep(20);
    controller.abort();
    await expect(reading.done).rejects.toMatchObject({ name: 'AbortError' });
    const late = collect(camera.source.path, { signal: controller.signal });
    await expect(late.done).rejects.toMatchObject({ name: 'AbortError' });
    expect(late.ids).toEqual([]);
  });

  it('P2.17: looks in place instead of copying, in order if asked, and leaves given sources open', async () => {
    const camera = open(ownBaseDir(), { slotCount: 8 });
    const source = sourceOf(camera);
    for (let id = 1; id <= 5; id += 1) camera.publish(picture(id));
    const values: number[] = [];
    const look = (seen: Uint8Array): number => seen[0] ?? -1;
    for await (const { value, frame } of frames(source, { look, order: 'next' })) {
      values.push(value);
      if (frame.frameId === 5) break;
    }
    expect(values).toEqual([1, 2, 3, 4, 5]);
    expect(source.isClosed).toBe(false);
  });

  it('P2.17: does not hide one camera behind another that always has a frame', async () => {
    const exporter = exporterOn(ownBaseDir());
    const [busy, calm] = ['busy', 'calm'].map((cameraId) =>
      exporter.openCamera({ cameraId, width: 64, height: 48 }),
    );
    if (busy === undefined || calm === undefined) throw new Error('two cameras were opened');
    busy.publish(picture(1));
    let turns = 0;
    for await (const { source } of frames([busy.source, calm.source])) {
      turns += 1;
      busy.publish(picture(turns));
      if (turns === 3) calm.publish(picture(1));
      if (source.path === calm.source.path) break;
    }
    expect(turns).toBeLessThan(10);
  });

  it('P2.13: finds a camera again whose folder somebody removed', async () => {
    const baseDir = ownBaseDir();
    const camera = open(baseDir);
    const losses: string[] = [];
    const controller = new AbortController();
    const onLoss = (loss: SourceLoss) => {
      losses.push(loss);
      return 'reopen' as const;
    };
    const reading = collect(camera.source.path, { onLoss, signal: controller.signal });
    camera.publish(picture(1));
    await until(() => reading.ids.length === 1);
    rmSync(camera.source.path, { recursive: true });
    camera.close();
    const next = open(baseDir);
    next.publish(picture(1));
    await until(() => reading.ids.length === 2);
    expect(losses).toContain('ended');
    controller.abort();
    await expect(reading.done).rejects.toThrow();
  });

  it('refuses an order that it does not know', async () => {
    const camera = open(ownBaseDir());
    const options = { order: 'oldest' } as unknown as FramesOptions;
    await expect(frames(camera.source, options).next()).rejects.toMatchObject({ code: 'BAD_OPTION' });
  });
});

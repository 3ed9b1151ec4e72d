import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fstatSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { entriesOf, ownBaseDir } from './base-dir.js';
import { codeOf, open, sourceOf } from './cameras.js';
import type { CameraExport } from '@vas/frame-export';

const FRAME_BYTES = 64 * 48 * 1.5;

/** A process that writes what it is told into the descriptor, as FFmpeg would. */
function start(fd: number | null): ChildProcess {
  const child = spawn('cat', { stdio: ['pipe', fd ?? 'ignore', 'inherit'] });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  return child;
}

async function feed(child: ChildProcess, frames: number): Promise<void> {
  await new Promise((written) => child.stdin?.write(new Uint8Array(frames * FRAME_BYTES), written));
}

async function framesReach(camera: CameraExport, framesWritten: number): Promise<void> {
  while (camera.statistics().framesWritten < framesWritten) await sleep(5);
}

function isOpen(fd: number): boolean {
  try {
    fstatSync(fd);
    return true;
  } catch {
    return false;
  }
}

/** The soft limit of this process, which is as before when the test ends. */
function limitFileSize(bytes: string): void {
  const limit = (value: string): void => {
    execFileSync('prlimit', ['--pid', String(process.pid), `--fsize=${value}:unlimited`]);
  };
  limit(bytes);
  onTestFinished(() => {
    limit('unlimited');
  });
}

describe('attach', () => {
  it('P2.7: leaves the FFmpeg that runs alone if the callback throws', async () => {
    const camera = open(ownBaseDir());
    const running = camera.attach(start);
    await feed(running, 1);
    await framesReach(camera, 1);
    expect(() =>
      camera.attach(() => {
        throw new Error('no such program');
      }),
    ).toThrow('no such program');
    await feed(running, 1);
    await framesReach(camera, 2);
    expect(camera.statistics()).toMatchObject({ drain: 'publishing', framesDiscarded: 0 });
    running.stdin?.end();
    await once(running, 'exit');
  });

  it('G1: called by its own callback hands out nothing, and the descriptor before it stays open', () => {
    const camera = open(ownBaseDir());
    camera.attach((outer) => {
      expect(camera.attach((inner) => inner)).toBeNull();
      expect(camera.statistics().attachError).toMatchObject({ code: 'BAD_OPTION' });
      expect(isOpen(outer ?? -1)).toBe(true);
    });
    expect(camera.attach((fd) => fd)).not.toBeNull();
    expect(camera.statistics().attachError).toBeNull();
  });

  it('G1: keeps the descriptor open while its callback closes the camera', async () => {
    const baseDir = ownBaseDir();
    const camera = open(baseDir);
    const child = camera.attach((fd) => {
      camera.close();
      expect(camera.isClosed).toBe(true);
      expect(isOpen(fd ?? -1)).toBe(true);
      return start(fd);
    });
    expect(entriesOf(baseDir)).toEqual([]);
    await feed(child, 3);
    child.stdin?.end();
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  it('refuses an async callback without calling it', () => {
    const camera = open(ownBaseDir());
    let isCalled = false;
    const call = (): unknown =>
      camera.attach(async () => {
        isCalled = true;
        await Promise.resolve();
      });
    expect(codeOf(call)).toBe('BAD_OPTION');
    expect(call).toThrow(/started FFmpeg when it returns/);
    expect(isCalled).toBe(false);
  });

  it('refuses a callback that returns a promise, and accepts a child process that can be awaited', () => {
    const camera = open(ownBaseDir());
    const later = (): Promise<never> => Promise.reject(new Error('nobody sees this'));
    expect(codeOf(() => camera.attach(later))).toBe('BAD_OPTION');
    expect(codeOf(() => camera.attach('ffmpeg' as never))).toBe('BAD_OPTION');
    const awaitable = Object.assign(Object.create(null) as object, { then: () => undefined });
    expect(camera.attach(() => awaitable)).toBe(awaitable);
  });
});

describe('a change of geometry that failed', () => {
  it.each([
    [{ width: 63, height: 48 }, 'BAD_GEOMETRY'],
    [{ width: 16384, height: 16384 }, 'NO_SPACE'],
  ])('P2.15: %j leads to no frames of one size published as those of another', (geometry, code) => {
    const camera = open(ownBaseDir(), { slotCount: 64 });
    expect(
      codeOf(() => {
        camera.changeGeometry(geometry);
      }),
    ).toBe(code);
    expect(camera.attach((fd) => fd)).toBeNull();
    expect(camera.statistics().attachError).toMatchObject({ code });
    camera.changeGeometry({ width: 64, height: 48 });
    expect(camera.attach((fd) => fd)).not.toBeNull();
    expect(camera.statistics()).toMatchObject({ attachError: null, generation: 1 });
  });

  it('P2.7: is made up for by the next attach', () => {
    const camera = open(ownBaseDir());
    const source = sourceOf(camera);
    limitFileSize('50000');
    expect(
      codeOf(() => {
        camera.changeGeometry({ width: 128, height: 96 });
      }),
    ).toBe('PERMISSION_DENIED');
    expect(camera.attach((fd) => fd)).toBeNull();
    limitFileSize('unlimited');
    expect(camera.attach((fd) => fd)).not.toBeNull();
    expect(source.reopen()).toMatchObject({ status: 'reopened', geometry: { width: 128 } });
  });
});

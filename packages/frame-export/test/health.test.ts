import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ownBaseDir } from './base-dir.js';
import { ON, codeOf, exporterOn, open, picture } from './cameras.js';
import { createFrameExporter } from '@vas/frame-export';
import type { CameraExport } from '@vas/frame-export';

const FRAME_BYTES = 64 * 48 * 1.5;

/** A process in the place of FFmpeg, which passes on what it is given. */
function attach(camera: CameraExport): ChildProcess {
  return camera.attach((fd) => {
    const child = spawn('cat', { stdio: ['pipe', fd ?? 'ignore', 'inherit'] });
    onTestFinished(() => {
      child.kill('SIGKILL');
    });
    return child;
  });
}

async function feed(child: ChildProcess, frames = 1): Promise<void> {
  await new Promise((written) => child.stdin?.write(new Uint8Array(frames * FRAME_BYTES), written));
}

async function eventually(camera: CameraExport, state: string): Promise<void> {
  while (camera.health().state !== state) await sleep(20);
}

describe('the health of a camera', () => {
  it('O2: is idle before anything is attached, live while the host publishes, idle again, and closed', async () => {
    const camera = open(ownBaseDir());
    expect(camera.health()).toEqual({
      cameraId: 'cam',
      state: 'idle',
      reason: null,
      framesPerSecond: null,
      frameAgeMs: null,
    });
    camera.publish(picture(1));
    expect(camera.health()).toMatchObject({ state: 'live', reason: null });
    await sleep(2100);
    const { state, frameAgeMs } = camera.health();
    expect(state).toBe('idle');
    expect(frameAgeMs).toBeGreaterThan(2000);
    camera.close();
    expect(camera.health()).toMatchObject({ state: 'closed', reason: null });
  });

  it('O2: follows an FFmpeg: waiting, live, stalled, and idle when it has ended', async () => {
    const camera = open(ownBaseDir());
    const child = attach(camera);
    expect(camera.health()).toMatchObject({ state: 'waiting', reason: null });
    await feed(child);
    await eventually(camera, 'live');
    await eventually(camera, 'stalled');
    expect(camera.health().reason).toMatch(/^no frame came from FFmpeg for 2\.\d s$/);
    await feed(child);
    await eventually(camera, 'live');
    child.stdin?.end();
    await once(child, 'exit');
    await eventually(camera, 'idle');
  });

  it('O2: is slow where fewer frames come than are expected', async () => {
    const camera = open(ownBaseDir(), { expectedFramesPerSecond: 50 });
    const fast = open(ownBaseDir(), { expectedFramesPerSecond: 1 });
    const timer = setInterval(() => {
      camera.publish(picture(1));
      fast.publish(picture(1));
    }, 100);
    onTestFinished(() => {
      clearInterval(timer);
    });
    await eventually(camera, 'slow');
    const { reason, framesPerSecond } = camera.health();
    expect(reason).toMatch(/^\d+\.\d frames per second instead of 50$/);
    expect(framesPerSecond).toBeGreaterThan(0);
    expect(framesPerSecond).toBeLessThan(40);
    expect(fast.health().state).toBe('live');
  });

  it.each([0, -1, NaN, Infinity, '25'])('O2: cannot expect %s frames per second', (expected) => {
    const options = { expectedFramesPerSecond: expected as number };
    expect(codeOf(() => open(ownBaseDir(), options))).toBe('BAD_OPTION');
  });

  it('O2: is discarding when the geometry was changed under an FFmpeg, until the next one', async () => {
    const camera = open(ownBaseDir());
    const former = attach(camera);
    await feed(former);
    await eventually(camera, 'live');
    camera.changeGeometry({ width: 32, height: 48 });
    await feed(former);
    await eventually(camera, 'discarding');
    expect(camera.health().reason).toBe('frames are thrown away: geometry-changed');
    expect(camera.statistics()).toMatchObject({ drain: 'discarding', discardReason: 'geometry-changed' });
    const next = attach(camera);
    await feed(next);
    await eventually(camera, 'live');
    expect(camera.statistics()).toMatchObject({ drain: 'publishing', discardReason: null });
  });

  it('O2: is gone while it cannot be put back, and frames are thrown away for want of memory', async () => {
    const camera = open(ownBaseDir());
    const child = attach(camera);
    await feed(child);
    await eventually(camera, 'live');
    truncateSync(`${camera.source.path}/frame.data`, 0);
    rmSync(camera.source.path, { recursive: true });
    mkdirSync(camera.source.path);
    writeFileSync(`${camera.source.path}/of-another`, '');
    await feed(child, 2);
    await eventually(camera, 'gone');
    expect(camera.statistics()).toMatchObject({ drain: 'discarding', discardReason: 'memory-lost' });
  });

  it('O2, P2.15: has the wrong stream when a framed one says another size', async () => {
    const camera = open(ownBaseDir());
    const source = ['-v', 'error', '-nostdin', '-re', '-f', 'lavfi', '-i', 'testsrc2=size=32x32:rate=25'];
    const framed = ['-c:v', 'rawvideo', '-pix_fmt', 'nv12', '-f', 'matroska', '-live', '1', 'pipe:3'];
    camera.attach((fd) => {
      const child = spawn('ffmpeg', [...source, ...framed], {
        stdio: ['ignore', 'inherit', 'inherit', fd ?? 'ignore'],
      });
      onTestFinished(() => {
        child.kill('SIGKILL');
      });
    });
    await eventually(camera, 'wrong-stream');
    expect(camera.health().reason).toBe('the stream that FFmpeg writes does not fit the export: wrong-size');
    expect(camera.statistics()).toMatchObject({
      stream: 'framed',
      framesWritten: 0,
      discardReason: 'wrong-size',
    });
  });

  it('O2, P2.13: is gone while something of another stands where its files were', async () => {
    const camera = open(ownBaseDir());
    camera.publish(picture(1));
    rmSync(camera.source.path, { recursive: true });
    mkdirSync(camera.source.path);
    writeFileSync(`${camera.source.path}/of-another`, '');
    await eventually(camera, 'gone');
    expect(camera.health().reason).toMatch(/^CAMERA_PATH_OCCUPIED: /);
    rmSync(camera.source.path, { recursive: true });
    while (camera.health().state === 'gone') await sleep(20);
  });

  it('O2: tells why the frames of a camera that was closed are thrown away', async () => {
    const camera = open(ownBaseDir());
    const child = attach(camera);
    await feed(child);
    await eventually(camera, 'live');
    camera.close();
    await feed(child);
    while (camera.statistics().drain !== 'discarding') await sleep(5);
    expect(camera.statistics().discardReason).toBe('closed');
    expect(camera.health().state).toBe('closed');
  });

  it('O2: is unattached when FFmpeg had to start without its raw output', () => {
    const camera = open(ownBaseDir());
    expect(
      codeOf(() => {
        camera.changeGeometry({ width: 63, height: 48 });
      }),
    ).toBe('BAD_GEOMETRY');
    camera.attach(() => null);
    expect(camera.health()).toMatchObject({ state: 'unattached' });
    expect(camera.health().reason).toMatch(/^BAD_GEOMETRY: width must be even/);
  });
});

describe('the statistics of an exporter', () => {
  it('O2: are those of all cameras, and totals that outlive them', () => {
    const exporter = exporterOn(ownBaseDir());
    const [a, b] = ['a', 'b'].map((cameraId) => exporter.openCamera({ cameraId, width: 64, height: 48 }));
    a?.publish(picture(1));
    b?.publish(picture(1));
    b?.publish(new Uint8Array(1));
    const both = exporter.statistics();
    expect(both).toMatchObject({
      isEnabled: true,
      cameras: [
        { cameraId: 'a', health: { state: 'live' }, statistics: { framesWritten: 1 } },
        { cameraId: 'b', health: { state: 'live' }, statistics: { framesWritten: 1, framesRejected: 1 } },
      ],
      totals: { camerasOpened: 2, framesWritten: 2, framesRejected: 1, bytesWritten: 2 * FRAME_BYTES },
    });
    expect(JSON.parse(JSON.stringify(both))).toEqual(both);
    b?.close();
    const { cameras, totals } = exporter.statistics();
    expect(cameras.map(({ cameraId }) => cameraId)).toEqual(['a']);
    expect(totals).toEqual(both.totals);
  });

  it('O2: are of one moment for each camera, its health and its totals', () => {
    const exporter = exporterOn(ownBaseDir());
    exporter.openCamera({ cameraId: 'cam', width: 64, height: 48 }).publish(picture(1));
    const [camera] = exporter.statistics().cameras;
    expect(camera?.statistics.frameAgeMs).toBeGreaterThan(0);
    expect(camera?.health.frameAgeMs).toBe(camera?.statistics.frameAgeMs);
  });

  it('O2, G7: have the same shape with the flag off', () => {
    const [off, on] = [{}, ON].map((env) => {
      const exporter = createFrameExporter({ baseDir: ownBaseDir(), env });
      const camera = exporter.openCamera({ cameraId: 'cam', width: 64, height: 48 });
      const shapes = [exporter.statistics().totals, camera.health(), camera.statistics()].map((value) =>
        Object.keys(value).sort(),
      );
      exporter.close();
      return shapes;
    });
    expect(off).toEqual(on);
    expect(
      createFrameExporter({ env: {} }).openCamera({ cameraId: 'cam', width: 64, height: 48 }).health(),
    ).toEqual({
      cameraId: 'cam',
      state: 'disabled',
      reason: null,
      framesPerSecond: null,
      frameAgeMs: null,
    });
  });

  it(
    'O2: of a thousand cameras take a small part of the second in which they are asked once',
    { timeout: 120_000 },
    () => {
      const exporter = exporterOn(ownBaseDir());
      for (let camera = 0; camera < 1000; camera += 1) {
        exporter.openCamera({ cameraId: `cam-${String(camera)}`, width: 16, height: 16, slotCount: 3 });
      }
      let fastest = Infinity;
      for (let turn = 0; turn < 5; turn += 1) {
        const begun = performance.now();
        expect(exporter.statistics().cameras).toHaveLength(1000);
        fastest = Math.min(fastest, performance.now() - begun);
      }
      // Some 10 ms on a machine that has time.
      expect(fastest).toBeLessThan(200);
    },
  );
});

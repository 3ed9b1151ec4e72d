/**
 * What a native file has to do on any platform, with nothing but Node: makes frames visible, drains a real pipe, reads
 * bit by bit in another thread, changes the size, and leaves nothing behind.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { createFrameExporter } from '@vas/frame-export';
import { openFrameSource } from '@vas/frame-export/reader';
import type { FrameSourceRef } from '@vas/frame-export/types';

const size = { width: 64, height: 48 };
const frameBytes = (size.width * size.height * 3) / 2;

if (isMainThread) await exercise();
else read();

async function exercise(): Promise<void> {
  const baseDir = mkdtempSync('/dev/shm/vas-platform-');
  let checks = 0;
  const check = (actual: unknown, expected: unknown): void => {
    assert.deepEqual(actual, expected);
    checks += 1;
  };
  const exporter = createFrameExporter({ baseDir, env: { AI_FRAME_EXPORT_ENABLED: 'true' } });
  try {
    const camera = exporter.openCamera({ cameraId: 'gate', ...size });
    check(camera.publish(new Uint8Array(frameBytes).fill(7)), 'published');

    const worker = new Worker(new URL(import.meta.url), { workerData: { source: camera.source } });
    const [seen] = (await once(worker, 'message')) as [unknown];
    check(seen, { status: 'frame', frameId: 1, bytes: frameBytes, sum: 7 * frameBytes });

    // Ten frames and half of one, from a process that knows nothing of us.
    const bytes = frameBytes * 10 + frameBytes / 2;
    const child = camera.attach((fd) =>
      spawn('sh', ['-c', `head -c ${bytes} /dev/zero >&3`], {
        stdio: ['ignore', 'inherit', 'inherit', fd ?? 'ignore'],
      }),
    );
    const [code] = (await once(child, 'exit')) as [number | null];
    check(code, 0);
    for (let tries = 0; tries < 1000 && camera.statistics().framesIncomplete === 0; tries++) await sleep(10);
    const { framesWritten, framesIncomplete } = camera.statistics();
    check([framesWritten, framesIncomplete], [11, 1]);

    const source = openFrameSource(camera.source);
    const into = new Uint8Array(source.frameSizeBytes);
    const newest = source.copyNewest(into);
    check(newest.status === 'frame' && newest.frame.frameId, 11);
    check(
      into.every((byte) => byte === 0),
      true,
    );
    camera.changeGeometry({ width: 32, height: 32 });
    check(source.copyNext(into).status, 'replaced');
    check(source.reopen().status, 'reopened');
    check(source.geometry?.width, 32);
    source.close();
    camera.close();
    check(existsSync(`${baseDir}/gate`), false);
    console.log(`${process.arch} Node ${process.versions.node}: ${checks} passed, 0 failed`);
  } finally {
    exporter.close();
    rmSync(baseDir, { recursive: true, force: true });
  }
}

function read(): void {
  const source = openFrameSource((workerData as { source: FrameSourceRef }).source);
  const result = source.lookNewest((picture) => picture.reduce((sum, byte) => sum + byte, 0));
  parentPort?.postMessage(
    result.status === 'frame'
      ? {
          status: result.status,
          frameId: result.frame.frameId,
          bytes: result.frame.dataSizeBytes,
          sum: result.value,
        }
      : result,
  );
  source.close();
}

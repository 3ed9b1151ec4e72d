/** Files of an export that somebody removes, as a host and its readers in JavaScript see it. */
import { rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ownBaseDir } from './base-dir.js';
import { createFrameExporter } from '@vas/frame-export';
import { openFrameSource } from '@vas/frame-export/reader';

const SIZE = { width: 64, height: 48 };
const PICTURE = new Uint8Array((64 * 48 * 3) / 2);

function openGate(baseDir: string) {
  const exporter = createFrameExporter({ baseDir, env: { AI_FRAME_EXPORT_ENABLED: 'true' } });
  onTestFinished(() => {
    exporter.close();
  });
  return exporter.openCamera({ cameraId: 'gate', ...SIZE });
}

async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; !holds(); tries++) {
    if (tries > 1000) throw new Error('it never happened');
    await sleep(10);
  }
}

describe('the files of an open camera', () => {
  it('P2.13: are back after a removal, and readers that are told find the next frame ids', async () => {
    const baseDir = ownBaseDir();
    const camera = openGate(baseDir);
    expect(camera.publish(PICTURE)).toBe('published');
    const source = openFrameSource(camera.source);
    rmSync(`${baseDir}/gate`, { recursive: true });
    const removed = performance.now();
    await until(() => camera.statistics().restored === 1);
    expect(performance.now() - removed).toBeLessThan(2000);

    expect(camera.publish(PICTURE)).toBe('published');
    expect(source.lookNext(() => 0).status).toBe('frame');
    expect(source.lookNext(() => 0).status).toBe('replaced');
    expect(source.reopen()).toMatchObject({ status: 'reopened', isNewEpoch: false });
    expect(source.lookNext(() => 0)).toMatchObject({ status: 'frame', frame: { frameId: 2 } });
    expect(camera.statistics()).toMatchObject({ generation: 2, restored: 1, notInPlace: null });
  });

  it('P2.13: do not push aside what somebody else put there, and statistics say what that is', async () => {
    const baseDir = ownBaseDir();
    const camera = openGate(baseDir);
    rmSync(`${baseDir}/gate`, { recursive: true });
    writeFileSync(`${baseDir}/gate`, 'theirs');
    await until(() => camera.statistics().notInPlace !== null);
    const statistics = camera.statistics();
    expect(statistics.notInPlace?.code).toBe('CAMERA_PATH_OCCUPIED');
    expect(JSON.parse(JSON.stringify(statistics))).toEqual(statistics);
  });
});

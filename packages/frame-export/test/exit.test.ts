import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { entriesOf, ownBaseDir } from './base-dir.js';
import { ON } from './cameras.js';
import { Peer } from './processes.js';
import { openFrameSource } from '@vas/frame-export/reader';

/** Opens two cameras in a process of its own, then runs the given statement. */
function runHost(baseDir: string, ending: string): { code: number | null; stderr: string } {
  const script = `
    import { Worker } from 'node:worker_threads';
    import { createFrameExporter } from '@vas/frame-export';
    const exporter = createFrameExporter({ baseDir: process.argv[1], env: { AI_FRAME_EXPORT_ENABLED: 'true' } });
    const listeners = process.listenerCount('exit');
    for (const cameraId of ['a', 'b']) {
      exporter.openCamera({ cameraId, width: 64, height: 48 }).publish(new Uint8Array(64 * 48 * 1.5));
    }
    const timer = setInterval(() => {}, 1000);
    console.log('open');
    ${ending}`;
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--input-type=module', '-e', script, baseDir],
    { cwd: fileURLToPath(new URL('..', import.meta.url)), encoding: 'utf8' },
  );
  expect(stdout).toBe('open\n');
  return { code: status, stderr };
}

describe('a host that ends without closing its cameras', () => {
  it.each([
    ['process.exit()', 'process.exit(7);', 7, ''],
    ['an uncaught error', "setTimeout(() => { throw new Error('uncaught'); }, 1);", 1, 'uncaught'],
    ['a rejected promise', "Promise.reject(new Error('rejected'));", 1, 'rejected'],
    ['nothing left to do', 'clearInterval(timer);', 0, ''],
    [
      'the end of a worker',
      `new Worker(\`
         import { readdirSync } from 'node:fs';
         import { workerData as baseDir } from 'node:worker_threads';
         import { createFrameExporter } from '@vas/frame-export';
         const exporter = createFrameExporter({ baseDir, env: { AI_FRAME_EXPORT_ENABLED: 'true' } });
         exporter.openCamera({ cameraId: 'w', width: 64, height: 48 });
         process.exit(readdirSync(baseDir).includes('w') ? 3 : 4);\`, { eval: true, workerData: process.argv[1] })
         .once('exit', (code) => process.exit(code));`,
      3,
      '',
    ],
  ])('P2.6: removes its files after %s', (_, ending, code, words) => {
    const baseDir = ownBaseDir();
    const host = runHost(baseDir, ending);
    expect(host.code).toBe(code);
    expect(host.stderr).toContain(words);
    expect(entriesOf(baseDir)).toEqual([]);
  });

  it('P2.6: is gone for its readers, and has not ended: it may come back', async () => {
    const baseDir = ownBaseDir();
    const host = new Peer('host.mjs', [baseDir], ON);
    await host.ask({ action: 'open', cameraId: 'a', width: 64, height: 48 });
    const source = openFrameSource({ baseDir, cameraId: 'a' });
    await expect(host.ask({ action: 'exit' })).rejects.toThrow('host.mjs ended (0)');
    expect(entriesOf(baseDir)).toEqual([]);
    expect(source.lookNext(() => 0).status).toBe('writer-gone');
    expect(source.health().state).toBe('dead');
    expect(source.reopen().status).toBe('absent');
    source.close();
  });

  it('P2.6: leaves no listener behind when every camera was closed', () => {
    const baseDir = ownBaseDir();
    const host = runHost(
      baseDir,
      "exporter.close(); if (process.listenerCount('exit') !== listeners) process.exitCode = 9; clearInterval(timer);",
    );
    expect(host).toEqual({ code: 0, stderr: '' });
    expect(openFrameSource({ baseDir, cameraId: 'a' }).health().state).toBe('absent');
  });
});

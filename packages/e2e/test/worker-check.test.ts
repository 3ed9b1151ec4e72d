import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';

const script = fileURLToPath(new URL('../mediasoup-worker/dtls-handshake.mjs', import.meta.url));

it('refuses a MediaSoup worker that dies instead of shaking hands, and says how', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'vas-test-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true });
  });
  const worker = join(folder, 'worker');
  writeFileSync(worker, '#!/bin/sh\nkill -SEGV $$\n');
  chmodSync(worker, 0o755);
  const env = { ...process.env, MEDIASOUP_WORKER_BIN: worker };
  const outcome = await new Promise<{ failed: boolean; stderr: string }>((resolve) => {
    execFile(process.execPath, [script], { env }, (error, _, stderr) => {
      resolve({ failed: error !== null, stderr });
    });
  });
  expect(outcome).toEqual({ failed: true, stderr: expect.stringContaining('SIGSEGV') as string });
});

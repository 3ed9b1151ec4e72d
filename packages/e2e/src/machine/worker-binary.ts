/** Provides the MediaSoup worker: the script finds, fetches or builds it, once per machine. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { packageFolder } from '../package-folder.js';

const script = fileURLToPath(new URL('mediasoup-worker/build.mjs', packageFolder));

/** Sets `MEDIASOUP_WORKER_BIN`, which MediaSoup reads, for this process and what it starts. */
export function provideWorker(args: readonly string[]): void {
  const { status, stdout } = spawnSync(process.execPath, [script, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error('there is no MediaSoup worker; what is missing is said above');
  process.env['MEDIASOUP_WORKER_BIN'] = stdout.trim();
}

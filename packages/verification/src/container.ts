/** A reader in a container: processes and mounts of its own, the base folder where it cannot write. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Actor } from './actor.js';
import { withBaseDir } from './base-dir.js';
import type { Check, CheckResult, Row } from './check.js';

const CAMERA = { cameraId: 'cam', width: 64, height: 48, slotCount: 4 };
/** How long a state may take to show on a busy machine; each takes 2 s by itself. */
const PATIENCE_MS = 30_000;

const AS_ROOT = ['unshare', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];
const AS_USER = [...AS_ROOT, '--user', '--map-root-user'];

/** Shows the base folder read-only and nothing else of the shared memory, then becomes the reader. */
const ENTER = `
  mount --bind "$1" "$2" && mount -o remount,bind,ro "$2" && mount -t tmpfs none /dev/shm && shift 2 && exec "$@"
`;

export const container: Check = {
  summary: 'a reader in other namespaces, on a read-only mount, tells live, idle, hung, dead and ended',

  async run() {
    const mountPoint = mkdtempSync(join(tmpdir(), 'vas-test-'));
    try {
      return await withBaseDir((baseDir) => watch(baseDir, mountPoint));
    } finally {
      rmSync(mountPoint, { recursive: true, force: true });
    }
  },
};

function isAllowed([command = '', ...args]: readonly string[]): boolean {
  return spawnSync(command, [...args, 'true'], { stdio: 'ignore' }).status === 0;
}

async function watch(baseDir: string, mountPoint: string): Promise<CheckResult> {
  const unshare = [AS_ROOT, AS_USER].find(isAllowed);
  if (unshare === undefined) {
    throw new Error('namespaces are needed: run as root, or allow user namespaces, and install util-linux');
  }
  const reader = new Actor('reader', {
    launcher: [...unshare, 'sh', '-c', ENTER, 'sh', baseDir, mountPoint],
  });
  const path = `${mountPoint}/${CAMERA.cameraId}`;
  const rows: Row[] = [];
  const failures: string[] = [];

  /** Waits for a state, and notes which others were seen on the way. */
  const expectState = async (doing: string, state: string, ...onTheWay: readonly string[]): Promise<void> => {
    const until = performance.now() + PATIENCE_MS;
    const began = performance.now();
    const others = new Set<string>();
    let health = await reader.ask('health');
    while (health.state !== state && performance.now() < until) {
      others.add(health.state);
      await sleep(50);
      health = await reader.ask('health');
    }
    rows.push({
      host: doing,
      state: health.state,
      'after ms': Math.round(performance.now() - began),
      before: [...others].join(' '),
    });
    if (health.state !== state) failures.push(`${doing}: ${health.state} instead of ${state}`);
    for (const other of others)
      if (!onTheWay.includes(other)) failures.push(`${doing}: was ${other} before ${state}`);
  };
  const expectRead = async (doing: string, status: string): Promise<void> => {
    let found = await reader.ask('next');
    for (let frames = 0; found === 'frame' && status !== 'frame' && frames < 10; frames++)
      found = await reader.ask('next');
    if (found !== status) failures.push(`${doing}: a read gives ${found} instead of ${status}`);
  };

  const env = { AI_FRAME_EXPORT_ENABLED: 'true' };
  let host = new Actor('host', { env });
  try {
    const around = await reader.ask('surroundings', { path: mountPoint });
    rows.push({ host: `not started; ${around.processes} processes in sight`, state: `pid ${around.pid}` });
    if (around.processes > 3) failures.push('the reader sees the processes of the host');
    if (around.shared > 0) failures.push('the reader sees the shared memory of the host');
    if (around.newFile !== 'EROFS') failures.push(`the reader can make files: ${around.newFile}`);
    await reader.ask('open', { path });
    await expectState('not started', 'absent');

    await host.ask('open', { baseDir, camera: CAMERA });
    await host.ask('keepPublishing', { everyMs: 20 });
    await reader.ask('reopen');
    const { frameFile } = await reader.ask('surroundings', { path });
    if (frameFile !== 'EROFS') failures.push(`the reader can write frames: ${frameFile}`);
    await expectState('publishes', 'live', 'idle');
    await expectRead('publishes', 'frame');
    await host.ask('stopPublishing');
    await expectState('publishes no more', 'idle', 'live');
    host.signal('SIGSTOP');
    await expectState('is stopped', 'hung', 'idle');
    await expectRead('is stopped', 'nothing-newer');
    host.signal('SIGCONT');
    await expectState('goes on', 'idle', 'hung');
    await host.kill();
    await expectState('is killed', 'dead', 'idle');
    await expectRead('is killed', 'writer-gone');

    host = new Actor('host', { env });
    await host.ask('open', { baseDir, camera: CAMERA });
    await host.ask('keepPublishing', { everyMs: 20 });
    await reader.ask('reopen');
    await expectState('is started again', 'live', 'idle');
    await host.ask('stopPublishing');
    await host.ask('changeGeometry', { width: 96, height: 48 });
    await expectState('changes the geometry', 'replaced');
    await reader.ask('reopen');
    await host.ask('close');
    await expectState('closes the camera', 'ended');
    await expectRead('closes the camera', 'ended');
  } finally {
    await Promise.all([host.kill(), reader.kill()]);
  }
  return { rows, failures };
}

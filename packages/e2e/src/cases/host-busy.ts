/** The host or the machine is busy with something else. */
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Case } from '../run/case.js';
import type { Stage } from '../run/stage.js';

const blockedMs = 5_000;

async function blockHost(stage: Stage): Promise<void> {
  stage.mark(`blocked for ${blockedMs / 1000} s`);
  await stage.host.ask('block', { ms: blockedMs });
  stage.mark('runs again');
}

/** A blocked host whose frames are taken by a `'data'` handler: its viewers must see it. */
export const controlDataHandler: Case = {
  name: 'control-data-handler',
  title: "Control: a blocked host with a Node 'data' handler on the pipe instead of the drain",
  requirements: [],
  // What a naive tap does to FFmpeg shows only where nothing stands between them.
  stage: { tap: 'data-handler', isTapIsolated: false },
  controlGapMs: 4_000,
  isShort: true,
  run: blockHost,
};

export const hostBlocked: Case = {
  name: 'host-blocked',
  title: "The host's JavaScript thread is blocked for 5 s",
  requirements: ['S2', 'S3', 'G1', 'P2.11'],
  stage: { isTapIsolated: false },
  comparedWith: controlDataHandler,
  isShort: true,
  run: blockHost,
};

export const garbageStorm: Case = {
  name: 'garbage-storm',
  title: 'The host collects garbage without pause',
  requirements: ['S2', 'G1'],
  isShort: false,
  run: async (stage, checks) => {
    stage.mark('garbage storm');
    const { collections } = await stage.host.ask('collectGarbage', { ms: 6_000 });
    stage.mark('end');
    checks.add('garbage was collected', collections > 10, `${collections} full collections`);
  },
};

export const coresBusy: Case = {
  name: 'cores-busy',
  title: 'Every core is kept busy by other processes',
  requirements: ['S2'],
  isShort: false,
  run: async (stage) => {
    const burners = Array.from({ length: availableParallelism() }, () =>
      spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' }),
    );
    stage.mark('cores busy');
    try {
      await sleep(6_000);
    } finally {
      for (const burner of burners) burner.kill('SIGKILL');
    }
    stage.mark('end');
  },
};

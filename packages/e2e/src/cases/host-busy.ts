/** The host or the machine is busy with something else. */
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Case } from '../run/case.js';
import type { Stage } from '../run/stage.js';

async function blockHost(stage: Stage, ms: number): Promise<void> {
  stage.mark(`blocked for ${ms / 1000} s`);
  await stage.host.ask('block', { ms });
  stage.mark('runs again');
}

/** A blocked host whose frames are taken by a `'data'` handler: its viewers must see it, and for about as long. */
function blockedDataHandler(name: string, ms: number): Case {
  return {
    name,
    title: `Control: a host blocked for ${ms / 1000} s with a Node 'data' handler on the pipe instead of the drain`,
    requirements: [],
    // What a naive tap does to FFmpeg shows only where nothing stands between them.
    stage: { tap: 'data-handler', isTapIsolated: false },
    controlGapMs: ms * 0.8,
    isShort: true,
    run: (stage) => blockHost(stage, ms),
  };
}

export const controlDataHandler = blockedDataHandler('control-data-handler', 5_000);
export const controlDataHandlerTwoSeconds = blockedDataHandler('control-data-handler-2s', 2_000);
export const controlDataHandlerHalfSecond = blockedDataHandler('control-data-handler-500ms', 500);

export const hostBlocked: Case = {
  name: 'host-blocked',
  title: "The host's JavaScript thread is blocked for 5 s",
  requirements: ['S2', 'S3', 'G1', 'P2.11'],
  stage: { isTapIsolated: false },
  comparedWith: controlDataHandler,
  isShort: true,
  run: (stage) => blockHost(stage, 5_000),
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

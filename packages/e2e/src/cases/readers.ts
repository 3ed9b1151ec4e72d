/** What readers do, and what of it a viewer sees: nothing. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Case } from '../run/case.js';
import type { Checks } from '../run/check.js';
import { LOWEST_PRIORITY } from '../run/stage.js';
import type { Stage } from '../run/stage.js';

export const noReader: Case = {
  name: 'no-reader',
  title: 'Frames are exported and nobody reads them',
  requirements: ['S2', 'P2.3'],
  isFollowed: false,
  isShort: false,
};

const RACERS = 16;
const RACE_MS = 6_000;

async function race(stage: Stage, checks: Checks, priority: readonly string[]): Promise<void> {
  const readers = Array.from({ length: RACERS }, () => stage.idleReader({ launcher: priority }));
  // Before any of them races: the others would come up behind it.
  await Promise.all(readers.map((reader) => reader.ask('ready')));
  stage.mark(`${RACERS} readers`);
  await Promise.all(readers.map((reader) => reader.ask('start', { source: stage.source(), mode: 'race' })));
  await sleep(RACE_MS);
  const reports = await Promise.all(readers.map((reader) => reader.ask('report')));
  stage.mark('end');
  await Promise.all(readers.map((reader) => reader.stop()));
  const fewest = Math.min(...reports.map(({ frames }) => frames));
  checks.add(`every one of the ${RACERS} readers gets frames`, fewest > 0, `the slowest ${fewest}`);
}

/** Keeps the machine busy with processes that want the processor and nothing else. Returns what kills them. */
export function startSpinners(count: number, priority: readonly string[]): () => void {
  const [command, ...args] = [...priority, process.execPath, '-e', 'for (;;);'];
  const spinners = Array.from({ length: count }, () => spawn(command, args, { stdio: 'ignore' }));
  return () => {
    for (const spinner of spinners) spinner.kill('SIGKILL');
  };
}

async function spin(stage: Stage, count: number, ms: number, priority: readonly string[]): Promise<void> {
  const killSpinners = startSpinners(count, priority);
  stage.mark(`${count} spinners`);
  try {
    await sleep(ms);
  } finally {
    killSpinners();
  }
  stage.mark('end');
}

export const readersRacing: Case = {
  name: 'readers-racing',
  title: `${RACERS} readers copy frames as fast as the machine allows, with what others leave of it`,
  requirements: ['S2', 'P2.5', 'G1'],
  isShort: true,
  run: (stage, checks) => race(stage, checks, LOWEST_PRIORITY),
};

/** A control of another kind: what a busy machine does to viewers when no frame is read. */
export const spinners: Case = {
  name: 'no-tap-spinners',
  title: `Without a tap: ${RACERS} processes that only spin, in the place of readers, with what others leave`,
  requirements: [],
  stage: { tap: 'none' },
  isShort: false,
  run: (stage) => spin(stage, RACERS, RACE_MS, LOWEST_PRIORITY),
};

/** What becomes of viewers where nobody weighs the readers. */
export const readersUnweighted: Case = {
  name: 'readers-racing-unweighted',
  title: `${RACERS} readers copy frames as fast as the machine allows, at the priority of the video`,
  requirements: ['S2', 'P2.5'],
  isFollowed: false,
  losesFrames: true,
  isOverload: true,
  isShort: false,
  run: (stage, checks) => race(stage, checks, []),
};

export const spinnersUnweighted: Case = {
  name: 'no-tap-spinners-unweighted',
  title: `Without a tap: ${RACERS} processes that only spin, in the place of readers, at the priority of the video`,
  requirements: [],
  stage: { tap: 'none' },
  isOverload: true,
  isShort: false,
  run: (stage) => spin(stage, RACERS, RACE_MS, []),
};

export const readersStopped: Case = {
  name: 'readers-stopped',
  title: 'Readers are stopped (SIGSTOP) in the middle of a read and continued much later',
  requirements: ['S2', 'P2.5', 'P1.4'],
  isShort: true,
  run: async (stage, checks) => {
    const parked = [];
    for (let count = 0; count < 4; count += 1) {
      const reader = stage.idleReader();
      const insideFile = join(stage.folder('inside'), `${count}`);
      const outcome = reader.ask('park', { source: stage.source(), insideFile });
      while (!existsSync(insideFile)) await sleep(1);
      reader.signal('SIGSTOP');
      parked.push({ reader, outcome });
    }
    stage.mark('4 readers stopped');
    await sleep(4_000);
    for (const { reader } of parked) reader.signal('SIGCONT');
    stage.mark('continued');
    const outcomes = await Promise.all(parked.map(({ outcome }) => outcome));
    checks.add(
      'a read that was stopped for seconds learns that its frame was overwritten',
      outcomes.every((outcome) => outcome === 'overwritten'),
      outcomes.join(),
    );
  },
};

export const readersKilled: Case = {
  name: 'readers-killed',
  title: 'Readers are started and killed (SIGKILL) in a loop while they read',
  requirements: ['S2', 'P2.5'],
  isShort: false,
  run: async (stage, checks) => {
    stage.mark('readers killed');
    const until = Date.now() + 7_000;
    let killed = 0;
    while (Date.now() < until || killed < 10) {
      const readers = await Promise.all([stage.reader('race'), stage.reader('race')]);
      await sleep(100);
      await Promise.all(readers.map((reader) => reader.kill()));
      killed += readers.length;
    }
    stage.mark('end');
    checks.add('readers were killed', killed >= 10, killed);
  },
};

export const readerHolds: Case = {
  name: 'reader-holds',
  title: 'A reader maps the frames, reads one, and holds the mapping for the whole run',
  requirements: ['S2', 'P2.5'],
  isShort: false,
  run: async (stage, checks) => {
    const reader = await stage.reader('hold');
    stage.mark('held');
    await sleep(6_000);
    const { frames } = await reader.ask('report');
    checks.add('the reader took a frame and held its mapping', frames === 1, frames);
  },
};

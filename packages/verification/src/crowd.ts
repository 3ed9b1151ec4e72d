/** Many opens and closes at once: writers, cleaners and readers of the same cameras, some of them killed. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Actor } from './actor.js';
import { entriesOf, withBaseDir } from './base-dir.js';
import type { Check, CheckOptions, CheckResult } from './check.js';

const CAMERAS = ['a', 'b', 'c'];
const MEMBERS = ['write', 'write', 'write', 'sweep', 'sweep', 'read'] as const;
type Part = (typeof MEMBERS)[number];
const KILL_EVERY_MS = 400;

interface Tally {
  readonly opened: number;
  readonly refused: number;
  readonly read: number;
  readonly swept: number;
  readonly sweeps: number;
}

const NOTHING: Tally = { opened: 0, refused: 0, read: 0, swept: 0, sweeps: 0 };

export const crowd: Check = {
  summary: 'writers, cleaners and readers of the same cameras at once, some of them killed on the way',
  run: ({ seconds = 30 }: CheckOptions) => withBaseDir((baseDir) => meet(baseDir, seconds)),
};

/** One of the crowd, at work until it is killed. */
class Member {
  readonly part: Part;
  readonly #actor = new Actor('crowd-member', { env: { AI_FRAME_EXPORT_ENABLED: 'true' } });
  #failure: string | null = null;

  constructor(part: Part, baseDir: string) {
    this.part = part;
    // Never answered, except by what went wrong.
    this.#actor.ask(part, { baseDir, cameras: CAMERAS }).catch((error: unknown) => {
      if (this.#actor.ending !== 'SIGKILL') this.#failure = `${part}: ${String(error)}`;
    });
  }

  /** Kills it in whatever it does, and says what it has done so far. */
  async kill(): Promise<{ tally: Tally; failure: string | null }> {
    const tally = await this.#actor.ask('tally').catch((error: unknown) => {
      this.#failure ??= `${this.part}: ${String(error)}`;
      return NOTHING;
    });
    await sleep(Math.random() * 10);
    await this.#actor.kill();
    return { tally, failure: this.#failure };
  }
}

async function meet(baseDir: string, seconds: number): Promise<CheckResult> {
  const members = MEMBERS.map((part) => new Member(part, baseDir));
  const failures: string[] = [];
  let total = NOTHING;
  let kills = 0;
  const kill = async (member: Member): Promise<void> => {
    const { tally, failure } = await member.kill();
    total = added(total, tally);
    if (failure !== null) failures.push(failure);
  };
  try {
    const until = performance.now() + seconds * 1000;
    while (performance.now() < until) {
      await sleep(KILL_EVERY_MS);
      const index = Math.floor(Math.random() * members.length);
      const victim = members[index];
      if (victim === undefined) continue;
      await kill(victim);
      kills += 1;
      members[index] = new Member(victim.part, baseDir);
    }
  } finally {
    for (const member of members) await kill(member);
  }
  const last = new Actor('crowd-member');
  await last.ask('sweepOnce', { baseDir, cameras: CAMERAS });
  await last.kill();
  const left = entriesOf(baseDir).join(' ');
  if (left !== '') failures.push(`${left} is left after the last sweep`);
  for (const [what, times] of Object.entries(total)) if (times === 0) failures.push(`nothing was ${what}`);
  return { rows: [{ seconds, members: members.length, kills, ...total }], failures };
}

function added(one: Tally, other: Tally): Tally {
  return {
    opened: one.opened + other.opened,
    refused: one.refused + other.refused,
    read: one.read + other.read,
    swept: one.swept + other.swept,
    sweeps: one.sweeps + other.sweeps,
  };
}

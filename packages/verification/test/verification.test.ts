/** Each check in little time; the long runs and what they gave are in docs/verification.md. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ownProcess } from '@vas/processes';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Check, CheckOptions } from '../src/check.js';
import { container } from '../src/container.js';
import { crowd } from '../src/crowd.js';
import { failPoints, killPoints } from '../src/kill-points.js';
import { buildCHunter, buildRustHunter } from '../src/rust.js';
import { soak } from '../src/soak.js';
import { tearHunt } from '../src/tear-hunt.js';
import { truncation } from '../src/truncation.js';

const MAIN = new URL('../dist/main.js', import.meta.url);
/** How long a release build may take on a busy machine. */
const BUILD_MS = 900_000;

async function failuresOf(check: Check, options: Partial<CheckOptions> = {}): Promise<readonly string[]> {
  return (await check.run({ withoutValidation: false, ...options })).failures;
}

describe('the tear hunt', () => {
  beforeAll(() => {
    buildRustHunter();
    buildCHunter();
  }, BUILD_MS);

  it('P1.4, P2.4: readers in four languages accept no torn frame of a writer at full speed', async () => {
    expect(await failuresOf(tearHunt, { seconds: 2 })).toEqual([]);
  });

  it('P1.4, P2.4: nor where the writer copies with streaming stores', async () => {
    expect(await failuresOf(tearHunt, { seconds: 2, isStreaming: true })).toEqual([]);
  });

  it('finds torn frames at once where nothing is validated', async () => {
    const { rows } = await tearHunt.run({ seconds: 2, withoutValidation: true });
    const torn = rows.map(({ tornAccepted }) => Number(tornAccepted));
    expect(Math.max(...torn)).toBeGreaterThan(0);
  });
});

it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('a check that %s ends leaves nothing', async (signal) => {
  const before = new Set(readdirSync('/dev/shm'));
  const left = (): string[] =>
    readdirSync('/dev/shm').filter((name) => !before.has(name) && existsSync(`/dev/shm/${name}/hunted`));
  const check = ownProcess(
    spawn(process.execPath, [fileURLToPath(MAIN), 'tear', '--seconds', '20'], { stdio: 'ignore' }),
  );
  while (left().length === 0) await sleep(10);
  check.kill(signal);
  expect(await once(check, 'exit')).toEqual([128 + constants.signals[signal], null]);
  // An export that is alive makes its files anew within two seconds.
  await sleep(3000);
  expect(left()).toEqual([]);
});

describe('a killed host', () => {
  it('P2.6: leaves no reader without a verdict and nothing that the next start does not clean up', async () => {
    expect(failPoints().length).toBeGreaterThan(15);
    expect(await failuresOf(killPoints, { seconds: 10 })).toEqual([]);
  });
});

describe('a reader in a container', () => {
  it('P2.2, P2.6: tells live, idle, hung, dead, replaced and ended, and cannot write', async () => {
    expect(await failuresOf(container)).toEqual([]);
  });
});

describe('a long life', () => {
  it('P2.5, P2.7: costs nothing that stays', async () => {
    expect(await failuresOf(soak, { seconds: 10 })).toEqual([]);
  });
});

describe('a crowd', () => {
  it("P2.2, P2.6: of writers, cleaners and readers, some of them killed, gets in nobody else's way", async () => {
    expect(await failuresOf(crowd, { seconds: 5 })).toEqual([]);
  });
});

describe('a truncated file', () => {
  it('P2.5, P2.8: ends neither the host nor a reader', async () => {
    expect(await failuresOf(truncation)).toEqual([]);
  });
});

import { readFileSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StallCanary, isDisturbed, longestStallMs } from '../src/machine/stall-canary.js';
import type { MachineReport } from '../src/machine/stall-canary.js';
import { Checks } from '../src/run/check.js';
import type { Check } from '../src/run/check.js';
import { verdictOf } from '../src/run/run-case.js';

describe('the stall canary', () => {
  let canary: StallCanary;

  beforeEach(async () => {
    canary = await StallCanary.start();
  });

  afterEach(() => canary.stop());

  /** As a machine does that stands still. */
  async function standStill(ms: number): Promise<void> {
    if (canary.pid === undefined) throw new Error('the canary does not run');
    process.kill(canary.pid, 'SIGSTOP');
    await sleep(ms);
    process.kill(canary.pid, 'SIGCONT');
    await sleep(50);
  }

  async function reportAfter(what: () => Promise<unknown>): Promise<MachineReport> {
    await canary.begin();
    await what();
    return canary.report();
  }

  it('sees a pause of every processor, where and how long it was', async ({ skip }) => {
    const report = await reportAfter(async () => {
      await sleep(100);
      await standStill(300);
    });
    if (!report.isRealTime) skip('no right to real-time priority');
    expect(new Set(report.stalls.map(({ processor }) => processor)).size).toBe(availableParallelism());
    expect(longestStallMs(report.stalls)).toBeGreaterThan(250);
    expect(Math.max(...report.stalls.map(({ atMs }) => atMs))).toBeGreaterThan(90);
    expect(isDisturbed(report)).toBe(true);
  });

  it('forgets what was before', async () => {
    await standStill(200);
    expect(longestStallMs((await reportAfter(() => sleep(50))).stalls)).toBeLessThan(150);
  });

  it('watches with real-time priority on every processor, or says that it has no right to', async () => {
    const { isRealTime } = await canary.report();
    const threads = readdirSync(`/proc/${canary.pid}/task`).map((id) => {
      // Behind the command, proc(5): the 41st field is the scheduling policy, and 1 is SCHED_FIFO.
      const stat = readFileSync(`/proc/${canary.pid}/task/${id}/stat`, 'utf8');
      const policy = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[41 - 3];
      const status = readFileSync(`/proc/${canary.pid}/task/${id}/status`, 'utf8');
      return { isFifo: policy === '1', processors: /^Cpus_allowed_list:\s*(.*)$/m.exec(status)?.[1] };
    });
    expect(threads.every(({ isFifo }) => isFifo)).toBe(isRealTime);
    const bound = threads.map(({ processors }) => processors).filter((list) => /^\d+$/.test(list ?? ''));
    expect(new Set(bound).size).toBe(availableParallelism());
  });

  it('says how much of the machine was used', async () => {
    const { usedPercent } = await reportAfter(async () => {
      const until = performance.now() + 300;
      while (performance.now() < until);
      await sleep(0);
    });
    expect(usedPercent).toBeGreaterThan(60 / availableParallelism());
    expect(usedPercent).toBeLessThan(120);
  });

  it('finds a machine disturbed by a long pause or by much time taken away, and by nothing less', () => {
    const report = { isRealTime: true, stolenPercent: 0, usedPercent: 0, stalls: [] };
    const stall = (ms: number): MachineReport => ({ ...report, stalls: [{ processor: 1, atMs: 0, ms }] });
    expect(isDisturbed(report)).toBe(false);
    expect(isDisturbed(stall(49))).toBe(false);
    expect(isDisturbed(stall(50))).toBe(true);
    expect(isDisturbed({ ...report, stolenPercent: 2.9 })).toBe(false);
    expect(isDisturbed({ ...report, stolenPercent: 3 })).toBe(true);
  });
});

describe('the verdict of a case', () => {
  const quiet: MachineReport = { isRealTime: true, stolenPercent: 0, usedPercent: 0, stalls: [] };
  const disturbed: MachineReport = { ...quiet, stolenPercent: 16 };

  function checksWith(isPaceRight: boolean, isRestRight: boolean): readonly Check[] {
    const checks = new Checks();
    checks.addPace('no long gap', isPaceRight);
    checks.add('bit-exact', isRestRight);
    return checks.all;
  }

  it('is left open only for a wrong pace on a disturbed machine', () => {
    expect(verdictOf(checksWith(true, true), disturbed)).toBe('ok');
    expect(verdictOf(checksWith(false, true), disturbed)).toBe('not judged');
    expect(verdictOf(checksWith(false, true), quiet)).toBe('failed');
    expect(verdictOf(checksWith(true, false), disturbed)).toBe('failed');
    expect(verdictOf(checksWith(false, false), disturbed)).toBe('failed');
  });
});

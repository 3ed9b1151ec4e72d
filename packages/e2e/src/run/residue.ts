/** Finds what a case left behind: processes with its mark in their environment, files, descriptors of ours. */
import { readFileSync, readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { openDescriptors, surplus } from '../host/leftovers.js';
import type { Checks } from './check.js';

/** Inherited by everything a run starts; our own environment in /proc is that of our start and lacks it. */
const MARK_NAME = 'VAS_E2E_RUN';
const SETTLE_MS = 5_000;

/** Marks every process that this one starts from now on. */
export function markProcesses(): void {
  process.env[MARK_NAME] = `${process.pid}-${Date.now()}`;
}

export interface Footprint {
  readonly descriptors: readonly string[];
}

export function footprint(): Footprint {
  return { descriptors: openDescriptors('self') };
}

export async function checkResidue(checks: Checks, before: Footprint, baseDir: string): Promise<void> {
  const deadline = Date.now() + SETTLE_MS;
  for (;;) {
    const processes = markedProcesses();
    const files = readdirSync(baseDir);
    const descriptors = surplus(before.descriptors, openDescriptors('self'));
    if ((processes.length > 0 || descriptors.length > 0) && Date.now() < deadline) {
      await sleep(100);
      continue;
    }
    checks.add('no process is left', processes.length === 0, processes.join(', '));
    checks.add('no file is left in the base folder', files.length === 0, files.join(', '));
    checks.add('no descriptor is left', descriptors.length === 0, descriptors.join(', '));
    return;
  }
}

/** Kills what is left, so that the next case starts clean; only processes of this run have the mark. */
export function killMarked(): void {
  for (const { pid } of findMarked()) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended by itself.
    }
  }
}

function markedProcesses(): string[] {
  return findMarked().map(({ pid, command }) => `${pid} ${command}`);
}

function findMarked(): { pid: number; command: string }[] {
  if (process.env[MARK_NAME] === undefined) return [];
  const mark = `${MARK_NAME}=${process.env[MARK_NAME]}\0`;
  return readdirSync('/proc').flatMap((name) => {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) return [];
    try {
      if (!readFileSync(`/proc/${pid}/environ`, 'latin1').includes(mark)) return [];
      return [
        { pid, command: readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0').slice(0, 3).join(' ') },
      ];
    } catch {
      // It ended, or it is another user's.
      return [];
    }
  });
}

/** The stall canary of `stall_canary.py`, as the suite drives it: was the machine there while it was measured? */
import { fileURLToPath } from 'node:url';
import { JsonLineProcess } from '@vas/processes';
import { packageFolder } from '../package-folder.js';
import { PYTHON } from './python.js';

/** A processor that was not there, for at least 20 ms. */
export interface Stall {
  readonly processor: number;
  /** When it began, since `begin`. */
  readonly atMs: number;
  readonly ms: number;
}

/** What the machine was like since `begin`. */
export interface MachineReport {
  /** `false`: stalls cannot be told from a busy processor here, and none are listed. */
  readonly isRealTime: boolean;
  /** The share of all processors' time that the hypervisor reports as given to others. */
  readonly stolenPercent: number;
  /** The part of all processors' time that was used at ordinary priority: by no process that takes what others leave. */
  readonly usedPercent: number;
  readonly stalls: readonly Stall[];
}

/** A pause this long of the machine, or this much time taken from it, can turn into a gap above the limit. */
const DISTURBING_STALL_MS = 50;
const DISTURBING_STOLEN_PERCENT = 3;

/** Whether what was measured meanwhile may say more about the machine than about what was measured. */
export function isDisturbed({ stalls, stolenPercent }: MachineReport): boolean {
  return longestStallMs(stalls) >= DISTURBING_STALL_MS || stolenPercent >= DISTURBING_STOLEN_PERCENT;
}

export function longestStallMs(stalls: readonly Stall[]): number {
  return Math.max(0, ...stalls.map(({ ms }) => ms));
}

export class StallCanary {
  readonly #process: JsonLineProcess;

  private constructor(process: JsonLineProcess) {
    this.#process = process;
  }

  static async start(): Promise<StallCanary> {
    const script = fileURLToPath(new URL('src/machine/stall_canary.py', packageFolder));
    const canary = new StallCanary(new JsonLineProcess(PYTHON, [script]));
    await canary.begin();
    return canary;
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** Forgets everything and watches from now. */
  async begin(): Promise<void> {
    this.#process.send('begin');
    await this.#process.next(isWatching);
  }

  async report(): Promise<MachineReport> {
    this.#process.send('report');
    return this.#process.next(isReport);
  }

  async stop(): Promise<void> {
    await this.#process.stop();
  }
}

function isWatching(line: unknown): line is { watching: true } {
  return typeof line === 'object' && line !== null && 'watching' in line;
}

function isReport(line: unknown): line is MachineReport {
  return typeof line === 'object' && line !== null && 'stalls' in line;
}

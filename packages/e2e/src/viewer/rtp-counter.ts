/** The packet counter of `rtp_counter.py`, as the suite drives it. */
import { fileURLToPath } from 'node:url';
import { JsonLineProcess } from '@vas/processes';
import { PYTHON } from '../machine/python.js';
import { packageFolder } from '../package-folder.js';

/** Shorter pauses are not listed one by one. */
export const NOTABLE_GAP_MS = 100;

/** A pause between two packets that is long enough to be worth a line in the report. */
export interface Gap {
  /** When it began, since `begin`. */
  readonly atMs: number;
  readonly ms: number;
}

/** What one consumer received since `begin`. */
export interface StreamCount {
  readonly port: number;
  readonly packets: number;
  readonly packetsPerSecond: number;
  readonly bytes: number;
  /** Sequence numbers that never came. */
  readonly lost: number;
  /** Packets that came twice or behind their turn. */
  readonly late: number;
  /** Jumps of the sequence number that mean a sender which started again. */
  readonly restarts: number;
  /** Restarts whose time stamps begin behind those before, by the shorter way round: a browser takes them for old. */
  readonly setBack: number;
  readonly longestGapMs: number;
  /** Every pause of at least 100 ms. */
  readonly gaps: readonly Gap[];
  /** Packets in each 100 ms since `begin`. */
  readonly per100Ms: readonly number[];
}

export class RtpCounter {
  /** One UDP port on loopback for each stream. */
  readonly ports: readonly number[];
  readonly #process: JsonLineProcess;

  private constructor(process: JsonLineProcess, ports: readonly number[]) {
    this.#process = process;
    this.ports = ports;
  }

  static async start(streams: number): Promise<RtpCounter> {
    const script = fileURLToPath(new URL('src/viewer/rtp_counter.py', packageFolder));
    const process = new JsonLineProcess(PYTHON, [script, `--free-ports=${streams}`]);
    const { ports } = await process.next(hasPorts);
    return new RtpCounter(process, ports);
  }

  /** Forgets everything and counts from now; returns now, in milliseconds of the wall clock. */
  async begin(): Promise<number> {
    this.#process.send('begin');
    const { begunMs } = await this.#process.next(hasBegun);
    return begunMs;
  }

  async report(): Promise<readonly StreamCount[]> {
    this.#process.send('report');
    return this.#process.next(isCounts);
  }

  /** From now on keeps a digest of every payload. */
  async capture(): Promise<void> {
    this.#process.send('capture');
    await this.#process.next(isCapturing);
  }

  /** The digests, in order, one list per port. */
  async payloads(): Promise<readonly (readonly string[])[]> {
    this.#process.send('payloads');
    return this.#process.next(isDigests);
  }

  async stop(): Promise<void> {
    await this.#process.stop();
  }
}

function isObject(line: unknown): line is object {
  return typeof line === 'object' && line !== null;
}

function hasPorts(line: unknown): line is { ports: number[] } {
  return isObject(line) && 'ports' in line;
}

function hasBegun(line: unknown): line is { begunMs: number } {
  return isObject(line) && 'begunMs' in line;
}

function isCapturing(line: unknown): line is { capturing: true } {
  return isObject(line) && 'capturing' in line;
}

function isCounts(line: unknown): line is readonly StreamCount[] {
  return Array.isArray(line);
}

function isDigests(line: unknown): line is readonly (readonly string[])[] {
  return Array.isArray(line);
}

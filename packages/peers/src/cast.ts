/** The programs of one peer at work: a publisher, its readers, and a broker where the peer has one. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { JsonLineProcess, ownProcess } from '@vas/processes';
import type { Command, Peer, Programs } from './peers.js';
import type {
  EndRequest,
  PublishAnswer,
  PublishRequest,
  ReadAnswer,
  ReaderReport,
  ReadRequest,
} from './protocol.js';

/** What takes longer than its frames and this hangs. */
const HANGS_AFTER_MS = 6_000;
const STARTING_MS = 20_000;
const ENDING_MS = 3_000;

const isAnswer = (line: unknown): line is object => typeof line === 'object';

export interface ReaderOptions {
  readonly isChecked?: boolean;
  readonly holdMs?: number;
}

export interface Reader {
  readonly pid: number;
  /** Where it leaves its report. */
  readonly report: string;
}

/** A publisher that did not come back in time. */
export class Hangs extends Error {
  constructor() {
    super(`did not return within ${HANGS_AFTER_MS / 1000} s`);
  }
}

/** One peer on a folder of its own in shared memory. End it with `close`, whatever happens. */
export class Cast {
  readonly folder: string = mkdtempSync('/dev/shm/vas-peers-');
  readonly #reports = mkdtempSync(join(tmpdir(), 'vas-peers-'));
  readonly #peer: Peer;
  readonly #programs: Programs;
  readonly #pids = new Set<number>();
  #publisher: JsonLineProcess | undefined;
  #broker: ChildProcess | undefined;
  #readers = 0;

  constructor(peer: Peer, programs: Programs) {
    this.#peer = peer;
    this.#programs = programs;
    process.once('exit', this.#remove);
  }

  /** Starts the publisher, in the surroundings that `wrap` makes. */
  async startPublisher(wrap: (command: Command) => Command = (command) => command): Promise<void> {
    if (this.#peer.broker !== undefined && this.#broker === undefined) await this.#startBroker();
    const [command, ...args] = wrap([...this.#peer.publisher(this.#programs), 'publish', this.folder]);
    this.#publisher = new JsonLineProcess(command, args);
    await this.#publisher.next(isAnswer, STARTING_MS);
  }

  async startReader({ isChecked = false, holdMs = 0 }: ReaderOptions = {}): Promise<Reader> {
    const name = join(this.#reports, `reader-${(this.#readers += 1)}`);
    const report = `${name}.json`;
    const words = [
      report,
      ...(isChecked ? ['--check'] : []),
      ...(holdMs > 0 ? ['--hold-ms', `${holdMs}`] : []),
    ];
    let pid: number | undefined;
    if (this.#peer.reader === undefined) {
      ({ pid } = (await this.#ask({ read: words }, HANGS_AFTER_MS)) as ReadAnswer);
    } else {
      const [command, ...args] = [...this.#peer.reader(this.#programs), 'read', this.folder, ...words];
      pid = ownProcess(spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'] })).pid;
    }
    if (pid === undefined) throw new Error('a reader does not start');
    this.#pids.add(pid);
    if (!(await isThere(`${name}.ready`, STARTING_MS))) throw new Error('a reader does not become ready');
    return { pid, report };
  }

  /** Publishes frames, and returns how long each call took. */
  async publish(frames: number, intervalUs: number): Promise<PublishAnswer> {
    // Readers that have said that they are ready wait in a moment.
    await sleep(100);
    const request: PublishRequest = { frames, interval_us: intervalUs };
    return (await this.#ask(request, HANGS_AFTER_MS + (frames * intervalUs) / 1000)) as PublishAnswer;
  }

  /** What a reader has to say at its end; `null` if it does not end. */
  async finish(reader: Reader): Promise<ReaderReport | null> {
    if (this.hasThreads) {
      if (!existsSync(reader.report)) {
        const request: EndRequest = { end: 'all' };
        await this.#ask(request, HANGS_AFTER_MS);
      }
    } else {
      signal(reader.pid, 'SIGTERM');
    }
    const hasReported = await isThere(reader.report, ENDING_MS);
    if (!this.hasThreads) signal(reader.pid, 'SIGKILL');
    return hasReported ? (JSON.parse(readFileSync(reader.report, 'utf8')) as ReaderReport) : null;
  }

  /** Kills a reader. The first one that was started, where it is a thread. */
  async killReader(reader: Reader): Promise<void> {
    if (this.hasThreads) {
      const request: EndRequest = { end: 'first' };
      await this.#ask(request, HANGS_AFTER_MS);
    } else {
      signal(reader.pid, 'SIGKILL');
    }
  }

  killPublisher(): void {
    signal(this.publisherPid, 'SIGKILL');
  }

  /** Ends the publisher as its program would end. */
  async endPublisher(): Promise<void> {
    await this.#publisher?.stop();
    this.#publisher = undefined;
  }

  /** Whether readers live in the publisher's process. */
  get hasThreads(): boolean {
    return this.#peer.readers === 'threads';
  }

  get publisherPid(): number {
    return this.#publisher?.pid ?? 0;
  }

  get brokerPid(): number {
    return this.#broker?.pid ?? 0;
  }

  async close(): Promise<void> {
    this.#killReaders();
    await this.endPublisher();
    this.#broker?.kill('SIGKILL');
    process.off('exit', this.#remove);
    this.#remove();
  }

  /** Kills also those that the publisher has started, which nobody else knows of. */
  #killReaders(): void {
    for (const pid of this.#pids) {
      if (pid !== this.publisherPid) signal(pid, 'SIGKILL');
    }
    // Their numbers may be given to others.
    this.#pids.clear();
  }

  readonly #remove = (): void => {
    this.#killReaders();
    // iceoryx2 leaves a file of its own beside the folder, which has the folder's name in front.
    const ours = readdirSync('/dev/shm').filter((name) => name.startsWith(basename(this.folder)));
    for (const path of [...ours.map((name) => join('/dev/shm', name)), this.#reports])
      rmSync(path, { recursive: true, force: true });
  };

  async #startBroker(): Promise<void> {
    const [command, ...args] = this.#peer.broker?.(this.folder) ?? [''];
    this.#broker = ownProcess(spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'] }));
    const isUp = (): boolean => readdirSync(this.folder).length > 0;
    for (let tries = 0; tries < 200 && !isUp(); tries += 1) await sleep(50);
    await sleep(100);
  }

  async #ask(request: PublishRequest | ReadRequest | EndRequest, timeoutMs: number): Promise<object> {
    const publisher = this.#publisher;
    if (publisher === undefined) throw new Error('nobody publishes');
    publisher.send(JSON.stringify(request));
    try {
      return await publisher.next(isAnswer, timeoutMs);
    } catch (error) {
      if (error instanceof Error && error.message.includes('does not answer')) throw new Hangs();
      throw error;
    }
  }
}

/** Sends a signal to a process that may be gone. */
export function signal(pid: number, name: NodeJS.Signals): void {
  if (pid <= 0) return;
  try {
    process.kill(pid, name);
  } catch {
    // It has ended by itself.
  }
}

/** CPU time of a process, in microseconds. */
export function cpuUs(pid: number): number {
  if (pid <= 0) return 0;
  const tasks = `/proc/${pid}/task`;
  const ofTask = (task: string): number =>
    Number(readFileSync(`${tasks}/${task}/schedstat`, 'utf8').split(' ')[0]) / 1000;
  return readdirSync(tasks).reduce((total, task) => total + ofTask(task), 0);
}

async function isThere(path: string, timeoutMs: number): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  while (!existsSync(path) && Date.now() < deadline) await sleep(10);
  return existsSync(path);
}

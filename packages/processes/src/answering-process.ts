/** A Node process of the suite's own, which answers requests over IPC. */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** What a process can be asked: the name of each request, its argument and its answer. */
export type Requests = Record<string, { readonly argument: unknown; readonly answer: unknown }>;

interface Request {
  readonly id: number;
  readonly name: string;
  readonly argument: unknown;
}

interface Answer {
  readonly id: number;
  readonly answer?: unknown;
  readonly error?: string;
}

export interface ForkOptions {
  /** More for its environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly execArgv?: readonly string[];
  /** A command that runs what follows its arguments, in the same process in the end. */
  readonly wrapper?: { readonly command: string; readonly args: readonly string[] };
}

interface Pending {
  readonly resolve: (answer: never) => void;
  readonly reject: (error: Error) => void;
}

export class ForkedProcess<R extends Requests> {
  readonly #name: string;
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;
  #stderr = '';

  /** @param entry file name of the bundle, beside this one */
  constructor(entry: string, { env = {}, execArgv = [], wrapper }: ForkOptions = {}) {
    this.#name = entry;
    const child = fork(fileURLToPath(new URL(entry, import.meta.url)), [], {
      env: { ...process.env, ...env },
      ...(wrapper === undefined ? {} : { execPath: wrapper.command }),
      execArgv: wrapper === undefined ? [...execArgv] : [...wrapper.args, process.execPath, ...execArgv],
      stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
    });
    this.#child = child;
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-4096);
    });
    child.on('message', (message) => {
      this.#take(message as Answer);
    });
    // Not `close`: it never comes after our own `disconnect`. An `error` means that it could not be started, or
    // that it is just ending; what is pending fails either way.
    this.#exited = new Promise<void>((resolve) => {
      child.once('exit', resolve);
      child.once('error', resolve);
    }).then(() => {
      const error = new Error(`${this.#name} ended: ${this.#stderr.trim()}`);
      for (const { reject } of this.#pending.values()) reject(error);
      this.#pending.clear();
    });
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error(`${this.#name} could not be started`);
    return this.#child.pid;
  }

  /** What it wrote to standard error, the end of it. */
  get stderr(): string {
    return this.#stderr;
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  async ask<N extends keyof R & string>(name: N, argument: R[N]['argument']): Promise<R[N]['answer']> {
    if (!this.#child.connected) throw new Error(`${this.#name} ended: ${this.#stderr.trim()}`);
    const id = this.#nextId++;
    const answer = new Promise<R[N]['answer']>((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
    });
    this.#child.send({ id, name, argument } satisfies Request);
    return answer;
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async ended(): Promise<void> {
    await this.#exited;
  }

  /** Lets it end by closing its channel; kills it if that does not help within `graceMs`. */
  async stop(graceMs = 5_000): Promise<void> {
    if (this.#child.connected) this.#child.disconnect();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), graceMs);
    await this.#exited;
    clearTimeout(timer);
  }

  #take({ id, answer, error }: Answer): void {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    if (error !== undefined) pending?.reject(new Error(`${this.#name}: ${error}`));
    else pending?.resolve(answer as never);
  }
}

/** The other end: answers with what the handler of the request's name returns. */
export function answerRequests<R extends Requests>(handlers: {
  readonly [N in keyof R]: (argument: R[N]['argument']) => R[N]['answer'] | Promise<R[N]['answer']>;
}): void {
  process.on('message', (message) => {
    const { id, name, argument } = message as Request;
    void answer(id, name, argument);
  });

  async function answer(id: number, name: string, argument: unknown): Promise<void> {
    const reply = (rest: Omit<Answer, 'id'>): void => void process.send?.({ id, ...rest });
    try {
      const handler = handlers[name];
      if (handler === undefined) throw new Error(`no such request: ${name}`);
      reply({ answer: await handler(argument) });
    } catch (error) {
      reply({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
  }
}

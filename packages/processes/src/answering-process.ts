/** A Node process that answers requests over IPC: the end of the one who asks. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ownProcess } from './own-process.js';

/** What a process can be asked: a function for each request, as `answerRequests` takes them in that process. */
export type Requests<R> = { readonly [N in keyof R]: (argument: never) => unknown };

/** The arguments of a request: one or none. */
export type Arguments<F> = F extends (...argument: infer A) => unknown ? A : never;
type Answer<F> = F extends (...argument: never) => infer A ? Awaited<A> : never;

export interface AnsweringProcessOptions {
  readonly args?: readonly string[];
  /** Added to the environment of this process. */
  readonly env?: Readonly<NodeJS.ProcessEnv>;
  /** Options of Node itself. */
  readonly execArgv?: readonly string[];
  /** A command that runs the process, whose own command follows as its last arguments: in a namespace, say. */
  readonly launcher?: readonly string[];
  /** Where its standard output goes; `inherit` unless told. */
  readonly stdout?: 'inherit' | 'ignore';
  /** Where its standard error goes: to that of this process unless told, or into the messages of errors. */
  readonly stderr?: 'inherit' | 'keep';
  /** Told of each value that the process reports without being asked. */
  readonly onReport?: (value: unknown) => void;
}

/** A message to the process. */
export interface Request {
  readonly id: number;
  readonly name: string;
  readonly argument: unknown;
}

/** A message from the process: the answer to one request, or a report, which has no id. */
export type Reply =
  | { readonly id: number; readonly answer: unknown }
  | { readonly id: number; readonly error: string; readonly stack: string }
  | { readonly report: unknown };

interface Pending {
  readonly name: string;
  readonly resolve: (answer: never) => void;
  readonly reject: (error: Error) => void;
}

/** What is kept of standard error for the message of an error. */
const KEPT_STDERR = 4096;

/** `kill -9` ends it when this process ends; the process itself ends when its channel closes. */
export class AnsweringProcess<R> {
  readonly #name: string;
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;
  readonly #pending = new Map<number, Pending>();
  readonly #onReport: ((value: unknown) => void) | undefined;
  #requests = 0;
  #stderr = '';

  /** @param script a file that calls `answerRequests` */
  constructor(script: URL, options: AnsweringProcessOptions = {}) {
    const { args = [], env = {}, execArgv = [], launcher = [], onReport } = options;
    const { stdout = 'inherit', stderr = 'inherit' } = options;
    const file = fileURLToPath(script);
    this.#name = basename(file);
    this.#onReport = onReport;
    const [command = process.execPath, ...rest] = [...launcher, process.execPath, ...execArgv, file, ...args];
    const child = ownProcess(
      spawn(command, rest, {
        env: { ...process.env, ...env },
        stdio: ['ignore', stdout, stderr === 'keep' ? 'pipe' : 'inherit', 'ipc'],
      }),
    );
    this.#child = child;
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-KEPT_STDERR);
    });
    child.on('message', (reply) => {
      this.#take(reply as Reply);
    });
    this.#exited = this.#whenExited();
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error(`${this.#name} could not be started`);
    return this.#child.pid;
  }

  /** The end of what it wrote to standard error, as far as that is kept. */
  get stderr(): string {
    return this.#stderr;
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** The signal that ended the process, or its exit code. */
  get ending(): string {
    return this.#child.signalCode ?? String(this.#child.exitCode);
  }

  /**
   * @throws Error with the message of the process's own error
   * @throws ProcessEnded if it ends before it answers
   */
  ask<N extends keyof R & string>(name: N, ...[argument]: Arguments<R[N]>): Promise<Answer<R[N]>> {
    return new Promise((resolve, reject) => {
      if (this.hasEnded || !this.#child.connected) {
        reject(this.#ended(name));
        return;
      }
      const id = ++this.#requests;
      this.#pending.set(id, { name, resolve, reject });
      this.#child.send({ id, name, argument } satisfies Request, () => {
        // A process that ends just now is noticed by its exit.
      });
    });
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Ends the process as `kill -9` does, unless it has ended by itself. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exited;
  }

  /** Lets it end by closing its channel; kills it if that does not help within `graceMs`. */
  async stop(graceMs = 5_000): Promise<void> {
    if (this.#child.connected) this.#child.disconnect();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), graceMs);
    await this.#exited;
    clearTimeout(timer);
  }

  /** Resolves when it has ended, whatever ended it. */
  async ended(): Promise<void> {
    await this.#exited;
  }

  #take(reply: Reply): void {
    if ('report' in reply) {
      this.#onReport?.(reply.report);
      return;
    }
    const pending = this.#pending.get(reply.id);
    this.#pending.delete(reply.id);
    if ('error' in reply)
      pending?.reject(new Error(`${pending.name}: ${reply.error}`, { cause: reply.stack }));
    else pending?.resolve(reply.answer as never);
  }

  /**
   * The process may be gone before its last messages were read, and after its own `disconnect` there is none left.
   * An `error` means that it could not be started, or cannot be signalled because it is just ending.
   */
  async #whenExited(): Promise<void> {
    const child = this.#child;
    await new Promise<void>((resolve) => {
      child.once('exit', () => {
        if (child.connected) child.once('disconnect', resolve);
        else resolve();
      });
      child.once('error', () => {
        if (child.pid === undefined) resolve();
      });
    });
    for (const { name, reject } of this.#pending.values()) reject(this.#ended(name));
    this.#pending.clear();
  }

  #ended(name: string): ProcessEnded {
    const why = this.#stderr.trim();
    return new ProcessEnded(
      `${this.#name} ended (${this.ending}) before it answered ${name}${why === '' ? '' : `: ${why}`}`,
    );
  }
}

/** The process ended before it answered. */
export class ProcessEnded extends Error {
  override readonly name = 'ProcessEnded';
}

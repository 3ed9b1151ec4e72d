/** Processes that play a part in a check, and are ended by the handle that started them. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const running = new Set<ChildProcess>();

process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export interface ActorOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** What starts the process, with the command of the process as its last arguments; in a namespace, say. */
  readonly launcher?: readonly string[];
}

type Answer = { readonly id: number } & ({ readonly value: unknown } | { readonly error: string });

interface Waiting {
  readonly action: string;
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** A script of this package that answers each request with one message. */
export class Actor {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  #requests = 0;

  /** `script` is the name of the built file, without its ending. */
  constructor(script: string, { env = {}, launcher = [] }: ActorOptions = {}) {
    const file = fileURLToPath(new URL(`../dist/${script}.js`, import.meta.url));
    const [command, ...args] = [...launcher, process.execPath, file];
    this.#child = spawn(command, args, {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      env: { ...process.env, ...env },
    });
    endWithUs(this.#child);
    this.#child.on('message', (answer: Answer) => {
      const waiting = this.#waiting.get(answer.id);
      this.#waiting.delete(answer.id);
      if ('error' in answer) waiting?.reject(new Error(`${waiting.action}: ${answer.error}`));
      else waiting?.resolve(answer.value);
    });
    this.#child.once('exit', () => {
      for (const waiting of this.#waiting.values()) {
        waiting.reject(new ActorDied(waiting.action, this.ending));
      }
      this.#waiting.clear();
    });
  }

  get hasExited(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** The signal that ended the process, or its exit code. */
  get ending(): string {
    return this.#child.signalCode ?? String(this.#child.exitCode);
  }

  /** Rejects if the action throws, and with `ActorDied` if the process ends before it answers. */
  ask<T>(action: string, request: Readonly<Record<string, unknown>> = {}): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.hasExited) {
        reject(new ActorDied(action, this.ending));
        return;
      }
      const id = ++this.#requests;
      this.#waiting.set(id, {
        action,
        resolve: (value) => {
          resolve(value as T);
        },
        reject,
      });
      // A process that ends just now is noticed by its exit.
      this.#child.send({ ...request, id, action }, () => undefined);
    });
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Ends the process as `kill -9` does, unless it has ended by itself. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.exited();
  }

  async exited(): Promise<void> {
    if (!this.hasExited) await once(this.#child, 'exit');
  }
}

export class ActorDied extends Error {
  constructor(action: string, ending: string) {
    super(`the process ended (${ending}) before it answered ${action}`);
  }
}

/** Runs a program that prints one line of JSON, to its end. */
export async function runForJson<T>(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<T> {
  const child = spawn(command, [...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  });
  endWithUs(child);
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  if (code !== 0) throw new Error(`${command} ended with ${signal ?? String(code)}`);
  return JSON.parse(output) as T;
}

function endWithUs(child: ChildProcess): void {
  running.add(child);
  child.once('exit', () => running.delete(child));
}

/** A child process that answers each line of its standard input by one line of JSON. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { ownProcess } from './own-process.js';

const ANSWER_TIMEOUT_MS = 20_000;

export class JsonLineProcess {
  readonly #name: string;
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  readonly #unread: unknown[] = [];
  #stderr = '';
  #wake: (() => void) | undefined;

  constructor(command: string, args: readonly string[]) {
    this.#name = [command, ...args].join(' ');
    const child = ownProcess(spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] }));
    this.#child = child;
    this.#exited = once(child, 'close').then(() => this.#wake?.());
    child.stdin.on('error', () => {
      // It has ended: whoever waits for its answer learns that from `next`.
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text));
    createInterface({ input: child.stdout }).on('line', (line) => {
      this.#unread.push(JSON.parse(line));
      this.#wake?.();
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /**
   * The next line that `isWanted` accepts; lines before it are dropped.
   *
   * @throws Error if the process ends, with how and what it said, or says nothing wanted in this time
   */
  async next<T>(isWanted: (line: unknown) => line is T, timeoutMs = ANSWER_TIMEOUT_MS): Promise<T> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      while (this.#unread.length > 0) {
        const line = this.#unread.shift();
        if (isWanted(line)) return line;
      }
      if (this.#child.exitCode !== null || this.#child.signalCode !== null) {
        const how = this.#child.signalCode ?? `exit code ${this.#child.exitCode}`;
        throw new Error(`${this.#name} ended with ${how}: ${this.#stderr.trim()}`);
      }
      if (Date.now() >= deadline) throw new Error(`${this.#name} does not answer: ${this.#stderr.trim()}`);
      await this.#changed(deadline - Date.now());
    }
  }

  send(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }

  /** Ends it by ending its standard input; kills it if that does not help. */
  async stop(): Promise<void> {
    this.#child.stdin?.end();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 3_000);
    await this.#exited;
    clearTimeout(timer);
  }

  #changed(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#wake = () => {
        clearTimeout(timer);
        this.#wake = undefined;
        resolve();
      };
    });
  }
}

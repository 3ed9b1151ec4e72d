/** The demo's end of the channel: a process of its own, started, listened to and stopped. */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { ownProcess } from '../own-process.js';
import { STOP } from './messages.js';

/** Files of the built demo, side by side. */
export type WorkerName = 'demo-reader' | 'demo-viewer';

/** A process that has not ended this long after it was asked to is killed. */
const GRACE_MS = 10_000;

export class Worker {
  /** Resolves when it has ended and its last message has arrived. */
  readonly ended: Promise<unknown>;
  readonly #child: ChildProcess;
  #isStopping = false;
  #failure: string | null = null;

  constructor(name: WorkerName, task: object, onMessage: (message: unknown) => void) {
    this.#child = ownProcess(
      fork(fileURLToPath(new URL(`${name}.js`, import.meta.url)), [JSON.stringify(task)], {
        // Standard output belongs to the demo.
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      }),
    );
    this.#child.on('message', onMessage);
    this.#child.once('error', (error) => {
      this.#failure = `${name}: ${error.message}`;
    });
    this.#child.once('exit', (code, signal) => {
      if (!this.#isStopping || code !== 0)
        this.#failure = `${name} ended with ${signal ?? `exit code ${code}`}`;
    });
    // The process may be gone before its last message was read; after `disconnect` there is none left.
    this.ended = Promise.all(
      ['exit', 'disconnect'].map((event) => new Promise((resolve) => this.#child.once(event, resolve))),
    );
  }

  /** Why it ended before it was asked to, or otherwise than well; `null` if it did not. */
  get failure(): string | null {
    return this.#failure;
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#child.send(STOP, () => {
      // If it cannot be told, it is gone or about to be.
    });
    const kill = setTimeout(() => this.#child.kill('SIGKILL'), GRACE_MS);
    await this.ended;
    clearTimeout(kill);
  }
}

/**
 * Worker threads with a `SharedArrayBuffer`: one block for the newest frame and its number, which readers wait for by
 * `Atomics.wait`.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Publisher } from './node-peer.js';
import { FRAME_BYTES } from './picture.js';

/** Places of the block's words: the number of the newest frame, and whether readers shall end. */
export const NUMBER = 0;
export const IS_OVER = 1;
const WORDS = 2;

export interface WorkerOptions {
  readonly words: Int32Array<SharedArrayBuffer>;
  readonly frame: Uint8Array<SharedArrayBuffer>;
  readonly report: string;
  readonly options: readonly string[];
}

export class SharedBlock implements Publisher {
  readonly #words = new Int32Array(new SharedArrayBuffer(WORDS * 4));
  readonly #frame = new Uint8Array(new SharedArrayBuffer(FRAME_BYTES));
  readonly #readers: Worker[] = [];

  publish(picture: Uint8Array): void {
    this.#frame.set(picture);
    Atomics.add(this.#words, NUMBER, 1);
    Atomics.notify(this.#words, NUMBER);
  }

  startReader([report = '', ...options]: readonly string[]): void {
    const workerData: WorkerOptions = { words: this.#words, frame: this.#frame, report, options };
    this.#readers.push(new Worker(new URL('./worker-reader.js', import.meta.url), { workerData }));
  }

  async endReaders(which: 'all' | 'first'): Promise<void> {
    if (which === 'first') {
      await this.#readers.shift()?.terminate();
      return;
    }
    Atomics.store(this.#words, IS_OVER, 1);
    Atomics.notify(this.#words, NUMBER);
    await Promise.all(this.#readers.splice(0).map((reader) => once(reader, 'exit')));
    Atomics.store(this.#words, IS_OVER, 0);
  }
}

/** A reader in a worker thread: waits for the number to change and copies. */
import { workerData } from 'node:worker_threads';
import { Reading } from './reading.js';
import { IS_OVER, NUMBER } from './shared-block.js';
import type { WorkerOptions } from './shared-block.js';

const TIMEOUT_MS = 100;

const { words, frame, report, options } = workerData as WorkerOptions;
const reading = new Reading({ report, isChecked: options.includes('--check') });
const holdMs = options.includes('--hold-ms') ? Number(options[options.indexOf('--hold-ms') + 1]) : 0;
const pause = new Int32Array(new SharedArrayBuffer(4));
const copy = new Uint8Array(frame.length);
let last = Atomics.load(words, NUMBER);
reading.begin();
while (Atomics.load(words, IS_OVER) === 0) {
  Atomics.wait(words, NUMBER, last, TIMEOUT_MS);
  const number = Atomics.load(words, NUMBER);
  if (number === last) continue;
  last = number;
  copy.set(frame);
  reading.count(copy);
  if (holdMs > 0) Atomics.wait(pause, 0, 0, holdMs);
}
reading.end(null);

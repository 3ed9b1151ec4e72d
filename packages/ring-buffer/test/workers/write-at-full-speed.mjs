// Writes self-identifying frames as fast as it can, in every way there is, until it is told to stop.
import { parentPort, workerData } from 'node:worker_threads';
import { fill, wordsOf } from './self-identifying.mjs';
import { FrameRingWriter } from '@vas/ring-buffer';

const { memory, stop } = workerData;
let nextId = 1;
const writer = new FrameRingWriter(memory, {
  clock: (now) => {
    now[0] = BigInt(nextId);
    now[1] = BigInt(nextId);
  },
});
const frame = new Uint8Array(writer.frameSizeBytes);
const middle = (frame.length / 2) & ~63;
const chunks = [frame.subarray(0, middle), frame.subarray(middle)];

while (Atomics.load(stop, 0) === 0) {
  const way = nextId % 4;
  if (way < 2) {
    const open = writer.begin();
    fill(wordsOf(open.bytes), nextId);
    if (way === 0) {
      open.abandon();
      writer.begin();
    }
    // The one that is open, which may be the second on this slot: fill it anew.
    fill(wordsOf(open.bytes), nextId);
    open.publish();
  } else {
    fill(wordsOf(frame), nextId);
    writer.push(way === 2 ? frame : chunks);
  }
  nextId = writer.newestId + 1;
}
parentPort.postMessage(writer.statistics());

// Reads frames in every way there is and counts what came of it, until it is told to stop.
import { parentPort, workerData } from 'node:worker_threads';
import { isWhole, wordsOf } from './self-identifying.mjs';
import { FrameRingReader } from '@vas/ring-buffer';

const { memory, stop, tally } = workerData;
const reader = new FrameRingReader(memory);
const into = new Uint8Array(reader.frameSizeBytes);
const intoWords = wordsOf(into);
const counts = { copied: 0, looked: 0, tornAccepted: 0, tornSeen: 0, overwritten: 0, uncounted: 0 };

function seen(picture, { frameId, timestampNs, wallClockNs }) {
  const isTorn =
    !isWhole(wordsOf(picture), frameId) || timestampNs !== BigInt(frameId) || wallClockNs !== BigInt(frameId);
  if (isTorn) {
    // What a reader would have accepted if it did not check the sequence again.
    counts.tornSeen++;
    Atomics.add(tally, 0, 1);
  }
  return isTorn;
}

function account(result, afterId, isTorn) {
  if (result.status === 'overwritten') {
    counts.overwritten++;
    Atomics.add(tally, 1, 1);
  }
  if (result.status !== 'frame') return;
  if (result.frame.frameId !== afterId + result.missed + 1) counts.uncounted++;
  if (isTorn(result)) counts.tornAccepted++;
}

const isCopyTorn = ({ frame }) => {
  counts.copied++;
  const id = BigInt(frame.frameId);
  return !isWhole(intoWords, frame.frameId) || frame.timestampNs !== id || frame.wallClockNs !== id;
};
const isLookTorn = ({ value }) => {
  counts.looked++;
  return value;
};

while (Atomics.load(stop, 0) === 0) {
  const newest = reader.newestId;
  const oldest = Math.max(0, newest - reader.slotCount);
  account(reader.copyNewest(into), 0, isCopyTorn);
  account(reader.lookNewest(seen), 0, isLookTorn);
  account(reader.copyNext(into, oldest), oldest, isCopyTorn);
  account(reader.lookNext(seen, oldest), oldest, isLookTorn);
  // These do not try again with a younger frame.
  account(reader.copyAt(into, oldest + 1), oldest, isCopyTorn);
  account(reader.lookAt(seen, oldest + 1), oldest, isLookTorn);
}
parentPort.postMessage(counts);

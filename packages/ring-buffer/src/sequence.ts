/**
 * Sequence numbers of 64 bits as two words of 32, so that neither writing nor comparing one makes a BigInt. For
 * frame `n` a sequence is `2n - 1` while the record is being written and `2n` when it is complete.
 *
 * Frame ids go up to 2^53 - 1, so a doubled id is still exact.
 */

const HALF = 2 ** 31;

/** Stores `2n - 1`, the high half first. */
export function storeOpen(words: Int32Array, at: number, frameId: number): void {
  Atomics.store(words, at + 1, Math.floor((frameId - 1) / HALF));
  Atomics.store(words, at, ((frameId - 1) * 2) | 1);
}

/** Stores `2n`, the high half first. */
export function storeComplete(words: Int32Array, at: number, frameId: number): void {
  Atomics.store(words, at + 1, Math.floor(frameId / HALF));
  Atomics.store(words, at, (frameId * 2) | 0);
}

/** Whether the sequence is `2n`; the low half is loaded first. */
export function isComplete(words: Int32Array, at: number, frameId: number): boolean {
  return (
    Atomics.load(words, at) === ((frameId * 2) | 0) &&
    Atomics.load(words, at + 1) === Math.floor(frameId / HALF)
  );
}

/** The frame that the sequence says is complete: `sequence >> 1`, also while the next one is being written. */
export function newestOf(words: Int32Array, at: number): number {
  let low = Atomics.load(words, at);
  // While a writer carries into the high half, that is ahead of a low half of all ones for a moment. No other
  // mixture can be seen, since the low half is loaded first.
  for (let tries = 0; low === -1 && tries < 1000; tries++) low = Atomics.load(words, at);
  const high = Atomics.load(words, at + 1);
  return (high >>> 0) * HALF + (low >>> 1);
}

/** When what a look has stored into a picture is to be undone: a store hides what the writer writes to that page. */

/** Where the heartbeat is in meta; see the protocol document. */
const HEARTBEAT_NS = 320;
/** The writer beats every 250 ms, so that a store is undone well within a second. */
const DUE_NS = 500_000_000;

/**
 * Follows time by the writer's heartbeat, which costs two loads and no system call. While the writer does not beat,
 * no frames come that a store could hide.
 */
export class Stores {
  readonly #words: Uint32Array;
  #low: number;
  #high: number;
  #canHappen = false;

  /** @param meta bytes of a ring's meta, which begin at a page */
  constructor(meta: Uint8Array) {
    this.#words = new Uint32Array(meta.buffer, meta.byteOffset + HEARTBEAT_NS, 2);
    [this.#low = 0, this.#high = 0] = this.#words;
  }

  /** A look is about to be given the memory, and may keep it. Until then there is nothing to undo. */
  allow(): void {
    this.#canHappen = true;
  }

  /** Whether they are to be undone now. Says so once. */
  areDue(): boolean {
    if (!this.#canHappen) return false;
    const [low = 0, high = 0] = this.#words;
    // Two halves of different beats equal neither of them: the store is undone a moment early then.
    if (high === this.#high && Math.abs(low - this.#low) < DUE_NS) return false;
    this.#low = low;
    this.#high = high;
    return true;
  }
}

/** Ages of frames: the last, the median of the latest ones, the highest. */

const KEPT = 1024;

export class AgeStatistics {
  readonly #latest: number[] = [];
  #added = 0;
  #max = 0;
  #last = 0;

  add(ageMs: number): void {
    this.#latest[this.#added++ % KEPT] = ageMs;
    this.#last = ageMs;
    this.#max = Math.max(this.#max, ageMs);
  }

  get last(): number {
    return this.#last;
  }

  get max(): number {
    return this.#max;
  }

  /** 0 before the first. */
  get median(): number {
    return [...this.#latest].sort((a, b) => a - b)[this.#latest.length >> 1] ?? 0;
  }
}

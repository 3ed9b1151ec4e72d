/** Speed of a counter, from the times at which it was seen. */

const RECENT_MS = 2000;
const WARM_UP_MS = 1000;

interface Sample {
  readonly count: number;
  readonly atMs: number;
}

export class RateMeter {
  #first: Sample | null = null;
  #steadySince: Sample | null = null;
  #recent: Sample[] = [];

  add(count: number, atMs: number): void {
    const sample = { count, atMs };
    this.#first ??= sample;
    if (atMs >= this.#first.atMs + WARM_UP_MS) this.#steadySince ??= sample;
    this.#recent.push(sample);
    const since = this.#recent.findIndex((candidate) => candidate.atMs >= atMs - RECENT_MS);
    this.#recent.splice(0, since);
  }

  /** Per second over the last two seconds that were seen; 0 before there are two samples. */
  get recent(): number {
    return perSecond(this.#recent[0], this.#recent.at(-1));
  }

  /**
   * Per second over everything but the first second: a source that has just been opened delivers what was
   * buffered meanwhile all at once. Over everything if there is no more than that.
   */
  get steady(): number {
    const last = this.#recent.at(-1);
    return perSecond(this.#steadySince ?? undefined, last) || perSecond(this.#first ?? undefined, last);
  }
}

function perSecond(from: Sample | undefined, to: Sample | undefined): number {
  if (from === undefined || to === undefined || to.atMs <= from.atMs) return 0;
  return ((to.count - from.count) / (to.atMs - from.atMs)) * 1000;
}

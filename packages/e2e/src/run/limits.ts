/** What a case is measured against: the same host without a tap, and how long a gap may be at least. */
import type { CaseResult } from './case.js';

/** What a case is measured against. */
export interface Limits {
  readonly longestGapMs: number;
  readonly packetsPerSecond: number;
  /** For pictures in a browser; `null` if the run that made the limits had none. */
  readonly longestPresentedGapMs: number | null;
}

/** The longest gap may be this long, or twice that of the host without a tap. */
export const GAP_FLOOR_MS = 200;

export function limitsFrom(result: CaseResult): Limits {
  return {
    longestGapMs: Math.max(GAP_FLOOR_MS, 2 * longestGapMs(result)),
    packetsPerSecond: Math.min(...result.viewers.map(({ packetsPerSecond }) => packetsPerSecond)),
    longestPresentedGapMs:
      result.browsers.length === 0 ? null : Math.max(GAP_FLOOR_MS, 2 * longestPresentedGapMs(result)),
  };
}

/** The limits of a case on a machine that is kept busy by something else, as another case shows without a tap. */
export function widened(limits: Limits, measure: CaseResult): Limits {
  // What could not be measured widens nothing.
  if (measure.viewers.length === 0) return limits;
  const own = limitsFrom(measure);
  return {
    longestGapMs: Math.max(limits.longestGapMs, own.longestGapMs),
    packetsPerSecond: own.packetsPerSecond,
    longestPresentedGapMs:
      limits.longestPresentedGapMs === null
        ? null
        : Math.max(limits.longestPresentedGapMs, own.longestPresentedGapMs ?? 0),
  };
}

/** Not where the case itself interrupts the camera: that pause is no measure of anything else. */
export function longestGapMs({ viewers }: CaseResult): number {
  return Math.max(...viewers.map((viewer) => viewer.longestOwnGapMs));
}

export function longestPresentedGapMs({ browsers }: CaseResult): number {
  return Math.max(0, ...browsers.map((browser) => browser.longestOwnGapMs));
}

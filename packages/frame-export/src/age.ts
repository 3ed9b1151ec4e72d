/** How long ago something was. */

/**
 * Milliseconds since a time of the monotonic clock, which is that of `process.hrtime`. Never negative: the clocks
 * of two time namespaces may differ by an offset.
 */
export function ageMs(sinceNs: bigint, nowNs: bigint = process.hrtime.bigint()): number {
  return nowNs > sinceNs ? Number(nowNs - sinceNs) / 1e6 : 0;
}

/** Milliseconds since a frame was complete; for looks, whose results do not say so. */
export function frameAgeMs(frame: { readonly timestampNs: bigint }): number {
  return ageMs(frame.timestampNs);
}

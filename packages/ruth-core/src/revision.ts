/** Revisions: how many changes led to a state. They order changes and snapshots without a clock. */

/** The highest revision that is read. As many changes again can follow before a number cannot tell them apart. */
export const MAX_REVISION = 2 ** 52;

export function isRevision(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= MAX_REVISION;
}

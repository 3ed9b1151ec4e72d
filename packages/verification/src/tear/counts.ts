/** What came of the reads of one reader. */
export interface TearCounts {
  /** Whole frames that were taken. */
  readonly accepted: number;
  /** Reads that were told that the writer had been faster. */
  readonly lapped: number;
  /** Mixtures of two frames that were taken: the defect that is hunted. */
  readonly tornAccepted: number;
  /** Mixtures that were seen and refused: the race took place. */
  readonly tornRefused: number;
}

export function sum(counts: readonly TearCounts[]): TearCounts {
  const total = (field: keyof TearCounts): number => counts.reduce((all, count) => all + count[field], 0);
  return {
    accepted: total('accepted'),
    lapped: total('lapped'),
    tornAccepted: total('tornAccepted'),
    tornRefused: total('tornRefused'),
  };
}

export function readsOf({ accepted, lapped, tornAccepted }: TearCounts): number {
  return accepted + lapped + tornAccepted;
}

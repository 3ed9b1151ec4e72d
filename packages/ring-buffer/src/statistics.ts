/** Counters of a ring, as writer and readers see them. */

import type { MetaWords } from './layout.js';
import { HEADER, u64At } from './layout.js';

/** Since the ring was made. */
export interface FrameRingStatistics {
  /** Frames published. */
  readonly framesWritten: number;
  /** Published frames whose slot was given to a newer published one. */
  readonly framesOverwritten: number;
  /** Frames begun and not published. */
  readonly framesIncomplete: number;
  /** Frames refused before they were begun: wrong size, or the ring has ended. */
  readonly framesRejected: number;
  readonly bytesWritten: number;
}

/** A handful of loads and one object. */
export function readStatistics(
  words: MetaWords,
  { slotCount, frameSizeBytes }: { slotCount: number; frameSizeBytes: number },
): FrameRingStatistics {
  const framesWritten = u64At(words, HEADER.framesWritten);
  return {
    framesWritten,
    framesOverwritten: Math.max(0, framesWritten - slotCount),
    framesIncomplete: u64At(words, HEADER.framesIncomplete),
    framesRejected: u64At(words, HEADER.framesRejected),
    // Computed, since all frames of a ring have one size: the counter in memory passes 2^32 so often that a reader
    // could see one half of it carried and the other not.
    bytesWritten: framesWritten * frameSizeBytes,
  };
}

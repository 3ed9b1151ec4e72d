/** What a reader process of the suite can be asked. */
import type { FrameSourceRef } from '@vas/frame-export/types';

/** A frame that a reader copied and took for whole. */
export interface SeenFrame {
  readonly frameId: number;
  /** Counts the epochs that this reader has met: frame ids begin again in each. */
  readonly epoch: number;
  readonly md5: string;
}

/**
 * A read that ended with something other than a frame or nothing newer; only the first of several in a row is noted.
 */
export interface Verdict {
  readonly status: string;
  /** Wall clock. */
  readonly atMs: number;
}

export interface ReaderReport {
  /** Frames that reads delivered. */
  readonly frames: number;
  /** Frames that were gone before this reader came to them, as the reads say. */
  readonly missed: number;
  /** Reads that ended with the frame overwritten. */
  readonly overwritten: number;
  readonly verdicts: readonly Verdict[];
  /** Every frame followed with its digest; empty in the modes that do not look at the bytes. */
  readonly seen: readonly SeenFrame[];
  readonly health: string;
  /** Frames per second over the time from the first to the last frame. */
  readonly framesPerSecond: number;
}

/**
 * `follow` copies and digests every frame; `race` reads the newest frame as fast as the machine allows;
 * `hold` maps, reads one frame, and does nothing more.
 */
export type ReaderMode = 'follow' | 'race' | 'hold';

/** What the reader can be asked. */
export interface ReaderRequests {
  /** Answered as soon as the process can answer. */
  readonly ready: () => void;
  readonly start: (argument: { readonly source: FrameSourceRef; readonly mode: ReaderMode }) => void;
  /**
   * Looks at the newest frame in place and stays inside the look until it has been stopped and continued;
   * `insideFile` is written once it is inside. The answer is how the look ended.
   */
  readonly park: (argument: {
    readonly source: FrameSourceRef;
    readonly insideFile: string;
  }) => Promise<string>;
  readonly report: () => ReaderReport;
}

/** What one camera counts, and what its drain does. */
import type { FrameExportFailure } from './errors.js';

/**
 * What the attached pipe does: nothing is attached; it waits for the former one to let go; frames are
 * published; or they are read and thrown away, because they cannot be published.
 */
export type DrainState = 'detached' | 'waiting' | 'publishing' | 'discarding';

/**
 * Why the frames of the attached pipe are thrown away: the camera was closed; its geometry was changed, and this FFmpeg
 * writes the old one; a framed stream says that its pictures have another size or another pixel format; somebody has
 * cut the files short, or taken the memory before it was reserved; the native part has caught a defect of its own; or
 * the FFmpeg before is just letting go, which takes a frame.
 */
export type DiscardReason =
  'closed' | 'geometry-changed' | 'wrong-size' | 'wrong-format' | 'memory-lost' | 'defect' | 'taking-over';

/** Totals of one camera. Plain data: JSON can carry it. */
export interface CameraExportStatistics {
  /** Frames published since the camera was opened. */
  readonly framesWritten: number;
  /** Frames that ended early, dropped. */
  readonly framesIncomplete: number;
  /** Frames refused by `publish` for their size. */
  readonly framesRejected: number;
  /** Frames read from FFmpeg and thrown away because they could not be published. */
  readonly framesDiscarded: number;
  /** Bytes of the published frames. */
  readonly bytesWritten: number;
  /** Milliseconds since the newest frame was complete, `null` before the first. */
  readonly frameAgeMs: number | null;
  readonly drain: DrainState;
  /** Why the drain discards, `null` while it does not. */
  readonly discardReason: DiscardReason | null;
  /**
   * How frames come through the attached pipe: one after the other and nothing else (`bare`), in Matroska, which says
   * what they are and when (`framed`), or not at all yet.
   */
  readonly stream: 'unknown' | 'bare' | 'framed';
  /** How often something stood in a framed stream that does not belong there; reading went on with the next frame. */
  readonly streamDamages: number;
  /** Capacity of the attached pipe in bytes, 0 when none is attached. */
  readonly pipeSizeBytes: number;
  /** Counts the changes of geometry, from 1. */
  readonly generation: number;
  /** Defects of the native part that were caught; each ended the publishing of one pipe, never its reading. */
  readonly drainPanics: number;
  /** How often somebody else removed or replaced the files, and they were put back. */
  readonly restored: number;
  /** Why the files, or the memory of the frames, are not there for readers; `null` while they are. Tried again by itself. */
  readonly notInPlace: FrameExportFailure | null;
  /** Why the last `attach` had to run without export, or `null`. */
  readonly attachError: FrameExportFailure | null;
}

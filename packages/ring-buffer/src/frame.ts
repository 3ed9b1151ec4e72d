/** What a reader is told: the metadata of a frame, and the outcome of a read. Types only. */

import type { FrameColours } from './colours.js';
import type { PixelFormat } from './geometry.js';

export interface FrameMetadata {
  /** Counts published frames of the camera without gaps, from 1. */
  readonly frameId: number;
  /** Monotonic clock, nanoseconds, when the frame was complete. */
  readonly timestampNs: bigint;
  /** Unix time, nanoseconds, when the frame was complete. */
  readonly wallClockNs: bigint;
  /** The host's own time stamp, if it gave one. */
  readonly sourceTimestampNs: bigint | null;
  /** CRC-32 of the picture, if the writer computes one. */
  readonly checksum: number | null;
  readonly width: number;
  readonly height: number;
  readonly pixelFormat: PixelFormat;
  readonly strideBytes: number;
  readonly dataSizeBytes: number;
  /** What the numbers of the picture mean; the same object for all frames of a ring. */
  readonly colours: FrameColours;
}

/** How a read ended if it did not end with a frame: the table of outcomes in the protocol document. */
export type NoFrame =
  /** No frame after the given one has been published yet. */
  | { readonly status: 'nothing-newer' }
  /**
   * `frameId` is gone: the writer has taken its slot again, before or while it was read. Go on after it.
   * `missed` counts the frames from the given one up to and including `frameId`.
   */
  | { readonly status: 'overwritten'; readonly frameId: number; readonly missed: number }
  /** The ring or the record of the frame says what no writer writes: a file was cut short, or bytes were changed. */
  | { readonly status: 'damaged' }
  /** The ring has ended and has nothing newer to give: its camera was closed, or its memory given back. */
  | { readonly status: 'ended' }
  /** The ring was replaced by the next generation and has nothing newer to give. */
  | { readonly status: 'replaced' };

/** Outcome of a copy. The destination holds the frame if `status` is `'frame'`, and garbage otherwise. */
export type FrameRead =
  | {
      readonly status: 'frame';
      readonly frame: FrameMetadata;
      /** Frames lost between the given one and this one, exactly. */
      readonly missed: number;
    }
  | NoFrame;

/** Outcome of a look in place; `value` is what the callback returned. */
export type FrameLook<T> =
  | {
      readonly status: 'frame';
      readonly frame: FrameMetadata;
      /** Frames lost between the given one and this one, exactly. */
      readonly missed: number;
      readonly value: T;
    }
  | NoFrame;

/** The reading side of a ring. Loads only: nothing it does can be noticed by the writer or by other readers. */

import { RingBufferError } from './errors.js';
import type { FrameLook, FrameMetadata, FrameRead, NoFrame } from './frame.js';
import type { FrameGeometry } from './geometry.js';
import type { FrameRingMemory, MetaWords, Slot } from './layout.js';
import {
  FLAG_CHECKSUM,
  FLAG_SOURCE_TIMESTAMP,
  HEADER,
  RECORD,
  STATE,
  metaWords,
  readLayout,
  slotOf,
  u32At,
  u64At,
} from './layout.js';
import { fence } from './order.js';
import { isComplete, newestOf } from './sequence.js';
import type { FrameRingStatistics } from './statistics.js';
import { readStatistics } from './statistics.js';

/**
 * Sees a picture in place, and must not write to it. It runs while the writer may be overwriting the picture: what it
 * sees may be a mixture of two frames, and its result is dropped if so. It must be synchronous and keep
 * neither the picture nor a view of it.
 */
export type FrameLooker<T> = (picture: Uint8Array, frame: FrameMetadata) => T;

/** How often a read starts again with a newer frame after it was overtaken by the writer. */
const ATTEMPTS = 4;

const SEQUENCE = RECORD.sequence / 4;

/**
 * Reads frames out of a ring, whichever thread or process writes it. A read ends at once with a value: a whole frame,
 * or the reason why there is none. It allocates that value and nothing else.
 *
 * `afterId` is the newest frame that the caller has seen, 0 if none: then `missed` counts from the ring's first frame.
 * An `afterId` that is newer than the ring's newest frame gets `nothing-newer`; ids of another epoch mean nothing here.
 *
 * What is in the memory is never trusted: whatever another process writes there, a read ends after a bounded number of
 * steps, stays within the memory and does not throw.
 *
 * Step names (R1 to R5) and ORDER names are those of the protocol document.
 */
export class FrameRingReader {
  readonly geometry: FrameGeometry;
  readonly frameSizeBytes: number;
  readonly slotCount: number;
  /** 32 hexadecimal digits; frame ids of different epochs have nothing to do with each other. */
  readonly epoch: string;
  readonly generation: bigint;
  readonly firstFrameId: number;
  readonly #words: MetaWords;
  readonly #slots: readonly Slot[];

  /** @throws RingBufferError `INCOMPATIBLE_LAYOUT`, `UNSUITABLE_MEMORY`. */
  constructor(memory: FrameRingMemory) {
    this.#words = metaWords(memory);
    const layout = readLayout(memory, this.#words);
    this.geometry = layout.geometry;
    this.frameSizeBytes = layout.frameSizeBytes;
    this.slotCount = layout.slotCount;
    this.epoch = layout.epoch;
    this.generation = layout.generation;
    this.firstFrameId = layout.firstFrameId;
    this.#slots = layout.slots;
  }

  /** Id of the newest frame; 0 if there is none yet. */
  get newestId(): number {
    if (this.#isGone()) return 0;
    // R1. ORDER newest: what this names is in its slot. Pairs with W5 and W8.
    const newest = newestOf(this.#words.i32, SEQUENCE);
    return newest >= this.firstFrameId && Number.isSafeInteger(newest) ? newest : 0;
  }

  /** Memory that was taken away (detached) has ended. */
  get state(): 'live' | 'ended' | 'replaced' {
    if (this.#isGone()) return 'ended';
    const state = Atomics.load(this.#words.i32, HEADER.state / 4);
    if (state === STATE.ended) return 'ended';
    return state === STATE.replaced ? 'replaced' : 'live';
  }

  /** Monotonic clock of the writer's last sign of life; 0 if it gives none. */
  get heartbeatNs(): bigint {
    return this.#isGone() ? 0n : Atomics.load(this.#words.u64, HEADER.heartbeatNs / 8);
  }

  statistics(): FrameRingStatistics {
    return readStatistics(this.#words, this);
  }

  /**
   * Copies the newest frame that is newer than `afterId` to the start of `into`.
   *
   * @throws RingBufferError `DESTINATION_TOO_SMALL`, `BAD_FRAME_ID`.
   */
  copyNewest(into: Uint8Array, afterId = 0): FrameRead {
    return this.lookNewest(this.#copier(into), afterId);
  }

  /**
   * Copies the oldest frame after `afterId` that is still there. A reader that is overtaken while copying goes on with
   * younger frames, which have longer to live.
   *
   * @throws RingBufferError `DESTINATION_TOO_SMALL`, `BAD_FRAME_ID`.
   */
  copyNext(into: Uint8Array, afterId: number): FrameRead {
    return this.lookNext(this.#copier(into), afterId);
  }

  /**
   * Copies the given frame; `missed` is 0. A frame of the future is `nothing-newer`.
   *
   * @throws RingBufferError `DESTINATION_TOO_SMALL`, `BAD_FRAME_ID`.
   */
  copyAt(into: Uint8Array, frameId: number): FrameRead {
    return this.lookAt(this.#copier(into), frameId);
  }

  /**
   * Looks at the newest frame that is newer than `afterId`, in place; the cost does not depend on its size. What `look`
   * throws is thrown; it may have been caused by half a frame.
   *
   * @throws RingBufferError `BAD_FRAME_ID`.
   */
  lookNewest<T>(look: FrameLooker<T>, afterId = 0): FrameLook<T> {
    const seen = this.#seen(afterId);
    let frameId = 0;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      frameId = this.newestId;
      if (frameId <= seen) return this.#nothingAfter(seen);
      const taken = this.#take(frameId, frameId - seen - 1, look);
      if (taken !== null) return taken;
    }
    return { status: 'overwritten', frameId, missed: frameId - seen };
  }

  /** `copyNext`, in place. */
  lookNext<T>(look: FrameLooker<T>, afterId: number): FrameLook<T> {
    const seen = this.#seen(afterId);
    let frameId = 0;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const newest = this.newestId;
      if (newest <= seen) return this.#nothingAfter(seen);
      // First the oldest frame there can be, then 1, 3, 7 further from the writer, but not beyond the newest.
      const distance = Math.min(2 ** attempt, this.slotCount);
      frameId = Math.max(newest - this.slotCount + distance, seen + 1, this.firstFrameId);
      const taken = this.#take(frameId, frameId - seen - 1, look);
      if (taken !== null) return taken;
    }
    return { status: 'overwritten', frameId, missed: frameId - seen };
  }

  /** `copyAt`, in place. */
  lookAt<T>(look: FrameLooker<T>, frameId: number): FrameLook<T> {
    if (!Number.isSafeInteger(frameId) || frameId < 1) throw badFrameId(frameId);
    if (frameId > this.newestId) return this.#nothingAfter(frameId - 1);
    return this.#take(frameId, 0, look) ?? { status: 'overwritten', frameId, missed: 1 };
  }

  /** R2 to R5 for one frame; null if it is not, or no longer, in its slot. */
  #take<T>(frameId: number, missed: number, look: FrameLooker<T>): FrameLook<T> | null {
    const slot = slotOf(this.#slots, frameId);
    // R2. ORDER publish: picture and record of this frame are there. Pairs with W4.
    if (!this.#holds(slot, frameId)) return null;
    // R3
    const frame = this.#describe(slot, frameId);
    if (frame === null) return null;
    const value = look(slot.picture, frame);
    // R4. ORDER open: the picture was seen before the slot is checked again. Pairs with W1, W2.
    fence();
    // R5
    return this.#holds(slot, frameId) ? { status: 'frame', frame, missed, value } : null;
  }

  #holds(slot: Slot, frameId: number): boolean {
    return !this.#isGone() && isComplete(this.#words.i32, slot.record / 4 + SEQUENCE, frameId);
  }

  /** The record of a slot; null if it does not describe this frame in this slot, which only a broken writer does. */
  #describe({ record, offset }: Slot, frameId: number): FrameMetadata | null {
    const words = this.#words;
    if (
      u64At(words, record + RECORD.frameId) !== frameId ||
      u64At(words, record + RECORD.dataOffset) !== offset ||
      u64At(words, record + RECORD.dataSize) !== this.frameSizeBytes
    ) {
      return null;
    }
    const flags = u32At(words, record + RECORD.flags);
    const { width, height, strideBytes } = this.geometry;
    return {
      frameId,
      timestampNs: words.u64[(record + RECORD.timestampNs) / 8] ?? 0n,
      wallClockNs: words.u64[(record + RECORD.wallClockNs) / 8] ?? 0n,
      sourceTimestampNs:
        flags & FLAG_SOURCE_TIMESTAMP ? (words.u64[(record + RECORD.sourceTimestampNs) / 8] ?? 0n) : null,
      checksum: flags & FLAG_CHECKSUM ? u32At(words, record + RECORD.checksum) : null,
      width,
      height,
      pixelFormat: 'nv12',
      strideBytes,
      dataSizeBytes: this.frameSizeBytes,
    };
  }

  #nothingAfter(frameId: number): NoFrame {
    const state = this.state;
    // Asked after the state: a frame that was published just before the ring ended is still to be read.
    return { status: state === 'live' || this.newestId > frameId ? 'nothing-newer' : state };
  }

  /** The frame after which a read starts. */
  #seen(afterId: number): number {
    if (!Number.isSafeInteger(afterId) || afterId < 0) throw badFrameId(afterId);
    return afterId === 0 ? this.firstFrameId - 1 : afterId;
  }

  #copier(into: Uint8Array): FrameLooker<void> {
    if (into.length < this.frameSizeBytes) {
      const message = `a frame has ${this.frameSizeBytes} bytes, the destination ${into.length}`;
      throw new RingBufferError('DESTINATION_TOO_SMALL', message);
    }
    return (picture) => {
      into.set(picture);
    };
  }

  /** Whether the memory was taken away (detached, transferred, shrunk): atomics would throw. */
  #isGone(): boolean {
    return this.#words.i32.length === 0;
  }
}

function badFrameId(frameId: number): RingBufferError {
  return new RingBufferError('BAD_FRAME_ID', `a frame id is an integer up to 2^53 - 1, not ${frameId}`);
}

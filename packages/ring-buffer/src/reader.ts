/** The reading side of a ring. Loads only: nothing it does can be noticed by the writer or by other readers. */

import type { FrameColours } from './colours.js';
import { RingBufferError } from './errors.js';
import type { FrameLook, FrameMetadata, FrameRead, NoFrame } from './frame.js';
import type { FrameGeometry } from './geometry.js';
import type { FrameRingMemory, MetaWords, Slot } from './layout.js';
import {
  FLAG_CHECKSUM,
  FLAG_SOURCE_TIMESTAMP,
  HEADER,
  PIXEL_FORMAT_NV12,
  RECORD,
  RECORD_SIZE,
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
 * sees may be a mixture of two frames, and its result is dropped if so. `lookNewest` and `lookNext` then call it a
 * second time, with the newest frame. It must be synchronous and keep neither the picture nor a view of it.
 */
export type FrameLooker<T> = (picture: Uint8Array, frame: FrameMetadata) => T;

const SEQUENCE = RECORD.sequence / 4;

/**
 * Reads frames out of a ring, whichever thread or process writes it. A read ends at once with a value: a whole frame,
 * or the reason why there is none. It allocates that value and nothing else.
 *
 * `afterId` is the newest frame that the caller has seen, 0 if none: then `missed` counts from the ring's first frame.
 * A look at the newest frame may take `slotCount - 2` frame intervals. For anything longer copy the picture.
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
  /** What the colours of every frame mean. */
  readonly colours: FrameColours;
  readonly #words: MetaWords;
  readonly #slots: readonly Slot[];
  /** How many frames were published during the last look, and during the one before. */
  #publishedLast = 0;
  #publishedBefore = 0;

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
    this.colours = layout.colours;
    this.#slots = layout.slots;
  }

  /** Id of the newest frame; 0 if there is none yet. */
  get newestId(): number {
    if (this.#isGone()) return 0;
    // R1. ORDER newest: what this names is in its slot. Pairs with W5 and W8.
    const newest = newestOf(this.#words.i32, SEQUENCE);
    return newest >= this.firstFrameId && Number.isSafeInteger(newest) ? newest : 0;
  }

  /** Memory that was taken away (detached) has ended. A number that no writer writes is damage. */
  get state(): 'live' | 'ended' | 'replaced' | 'damaged' {
    if (this.#isGone()) return 'ended';
    const state = Atomics.load(this.#words.i32, HEADER.state / 4);
    if (state === STATE.live) return 'live';
    if (state === STATE.ended) return 'ended';
    return state === STATE.replaced ? 'replaced' : 'damaged';
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
   * the newest, which lives longest.
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
    const newest = this.newestId;
    return newest <= seen ? this.#nothingAfter(seen) : this.#takeOrNewest(newest, seen, look);
  }

  /**
   * Does what `copyNext` does, in place. If the last two looks took long, the frame is one that will live long
   * enough.
   */
  lookNext<T>(look: FrameLooker<T>, afterId: number): FrameLook<T> {
    const seen = this.#seen(afterId);
    const newest = this.newestId;
    if (newest <= seen) return this.#nothingAfter(seen);
    let frameId = Math.max(this.#oldestForALook(newest), seen + 1, this.firstFrameId);
    while (frameId < newest && !this.#holds(slotOf(this.#slots, frameId), frameId)) frameId++;
    return this.#takeOrNewest(frameId, seen, look);
  }

  /** `copyAt`, in place. */
  lookAt<T>(look: FrameLooker<T>, frameId: number): FrameLook<T> {
    if (!Number.isSafeInteger(frameId) || frameId < 1) throw badFrameId(frameId);
    if (frameId > this.newestId) return this.#nothingAfter(frameId - 1);
    return this.#take(frameId, 0, look) ?? { status: 'overwritten', frameId, missed: 1 };
  }

  /**
   * The oldest frame to choose: the oldest that may be there, or a younger one if frames were published during both
   * of the last looks. As many and one more may be published during the next look, and the slot of a frame is opened
   * again `slotCount` frames later.
   */
  #oldestForALook(newest: number): number {
    const published = Math.min(this.#publishedLast, this.#publishedBefore);
    const reserve = published === 0 ? 1 : published + 3;
    return Math.min(newest + reserve - this.slotCount, newest);
  }

  /** Takes the frame, or the newest if the writer was faster: two looks at most. */
  #takeOrNewest<T>(frameId: number, seen: number, look: FrameLooker<T>): FrameLook<T> {
    const taken = this.#takeMeasured(frameId, frameId - seen - 1, look);
    if (taken !== null) return taken;
    const newest = this.newestId;
    if (newest <= seen) return this.#nothingAfter(seen);
    return (
      this.#takeMeasured(newest, newest - seen - 1, look) ?? {
        status: 'overwritten',
        frameId: newest,
        missed: newest - seen,
      }
    );
  }

  /** Takes a frame, and notes how many others were published meanwhile. */
  #takeMeasured<T>(frameId: number, missed: number, look: FrameLooker<T>): FrameLook<T> | null {
    const before = this.newestId;
    const taken = this.#take(frameId, missed, look);
    const published = Math.max(0, this.newestId - before);
    // A frame that was gone before the look says nothing of its length.
    if (taken !== null || published > 0) {
      this.#publishedBefore = this.#publishedLast;
      this.#publishedLast = published;
    }
    return taken;
  }

  /** R2 to R5 for one frame; null if it is not, or no longer, in its slot. */
  #take<T>(frameId: number, missed: number, look: FrameLooker<T>): FrameLook<T> | null {
    const slot = slotOf(this.#slots, frameId);
    // R2. ORDER publish: picture and record of this frame are there. Pairs with W4.
    if (!this.#holds(slot, frameId)) return null;
    // R3
    const frame = this.#describe(slot, frameId);
    if (frame === null) {
      // R4, R5. ORDER open: as below; a record that is just being written contradicts nothing.
      fence();
      return this.#holds(slot, frameId) ? { status: 'damaged' } : null;
    }
    const value = look(slot.picture, frame);
    // R4. ORDER open: the picture was seen before the slot is checked again. Pairs with W1, W2.
    fence();
    // R5
    return this.#holds(slot, frameId) ? { status: 'frame', frame, missed, value } : null;
  }

  #holds(slot: Slot, frameId: number): boolean {
    return !this.#isGone() && isComplete(this.#words.i32, slot.record / 4 + SEQUENCE, frameId);
  }

  /** The record of a slot; null if it contradicts the ring or is of another frame, which only damage brings about. */
  #describe({ record, offset }: Slot, frameId: number): FrameMetadata | null {
    const words = this.#words;
    const { width, height, strideBytes } = this.geometry;
    if (
      u32At(words, record + RECORD.version) < 1 ||
      u32At(words, record + RECORD.recordSize) < RECORD_SIZE ||
      u64At(words, record + RECORD.frameId) !== frameId ||
      u32At(words, record + RECORD.width) !== width ||
      u32At(words, record + RECORD.height) !== height ||
      u32At(words, record + RECORD.pixelFormat) !== PIXEL_FORMAT_NV12 ||
      u32At(words, record + RECORD.stride) !== strideBytes ||
      u64At(words, record + RECORD.dataOffset) !== offset ||
      u64At(words, record + RECORD.dataSize) !== this.frameSizeBytes
    ) {
      return null;
    }
    const flags = u32At(words, record + RECORD.flags);
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
      colours: this.colours,
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

  /** Whether either range was taken away (detached, transferred): atomics would throw, pictures be empty. */
  #isGone(): boolean {
    return this.#words.i32.length === 0 || slotOf(this.#slots, 0).picture.length === 0;
  }
}

function badFrameId(frameId: number): RingBufferError {
  return new RingBufferError('BAD_FRAME_ID', `a frame id is an integer up to 2^53 - 1, not ${frameId}`);
}

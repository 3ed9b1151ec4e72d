/** The writing side of a ring: the only writer it may have. Knows nothing about readers. */

import type { FrameClock } from './clock.js';
import { systemClock } from './clock.js';
import type { FrameGeometry } from './geometry.js';
import type { FrameRingLayout, FrameRingMemory, MetaWords, Slot } from './layout.js';
import {
  FLAG_CHECKSUM,
  FLAG_SOURCE_TIMESTAMP,
  HEADER,
  RECORD,
  STATE,
  metaWords,
  readLayout,
  slotOf,
} from './layout.js';
import { fence } from './order.js';
import { isComplete, newestOf, storeComplete, storeOpen } from './sequence.js';
import type { FrameRingStatistics } from './statistics.js';
import { readStatistics } from './statistics.js';

/** What is known about a frame besides its picture. Times left out are those of now. */
export interface FrameStamp {
  /** Monotonic clock, nanoseconds. */
  readonly timestampNs?: bigint;
  /** Unix time, nanoseconds. */
  readonly wallClockNs?: bigint;
  /** The host's own time stamp; default none. */
  readonly sourceTimestampNs?: bigint | null;
  /** CRC-32 (IEEE 802.3) of the picture, if the caller has computed it; default none. */
  readonly checksum?: number | null;
}

export interface FrameRingWriterOptions {
  /** Default: the clocks of the platform. */
  readonly clock?: FrameClock;
}

/** The frame that is being written in place. A writer has one of these and hands it out again and again. */
export interface OpenFrame {
  /** The slot to fill; it holds an older picture. Of length 0 when no frame is open. Not to be kept. */
  readonly bytes: Uint8Array;
  /** Makes the frame visible and returns its id; 0 if no frame is open. */
  publish(stamp?: FrameStamp): number;
  /** Gives the frame up; it takes no id. Does nothing if no frame is open. */
  abandon(): void;
}

const NO_STAMP: FrameStamp = {};
const NO_BYTES: Uint8Array = /* @__PURE__ */ new Uint8Array(0);

const SEQUENCE = RECORD.sequence / 4;

/**
 * Writes frames into a ring, each over the oldest one. Nothing here waits, allocates per frame, or throws once the
 * writer exists; a frame costs one copy of its bytes.
 *
 * A ring has one writer at a time. A writer made on a ring that was written before goes on after its newest frame.
 *
 * Step names (W1 to W9) and ORDER names are those of the protocol document.
 */
export class FrameRingWriter {
  readonly geometry: FrameGeometry;
  readonly frameSizeBytes: number;
  readonly slotCount: number;
  readonly #words: MetaWords;
  readonly #slots: readonly Slot[];
  readonly #clock: FrameClock;
  readonly #now = new BigUint64Array(2);
  readonly #nowWords = new Int32Array(this.#now.buffer);
  readonly #openFrame: OpenFrame;
  /** The picture of the open frame; `NO_BYTES` when none is open. */
  #openBytes: Uint8Array = NO_BYTES;
  /** The id that the next published frame gets. */
  #nextId: number;
  #isOver: boolean;

  /** @throws RingBufferError `INCOMPATIBLE_LAYOUT`, `UNSUITABLE_MEMORY`. */
  constructor(memory: FrameRingMemory, options: FrameRingWriterOptions = {}) {
    this.#words = metaWords(memory);
    const layout = readLayout(memory, this.#words);
    this.geometry = layout.geometry;
    this.frameSizeBytes = layout.frameSizeBytes;
    this.slotCount = layout.slotCount;
    this.#slots = layout.slots;
    this.#clock = options.clock ?? systemClock();
    this.#isOver = this.#words.i32[HEADER.state / 4] !== STATE.live;
    this.#nextId = this.#resume(layout);
    // Arrow functions do not rebind `this`, but a getter does.
    const openBytes = (): Uint8Array => this.#openBytes;
    this.#openFrame = {
      get bytes() {
        return openBytes();
      },
      publish: (stamp) => this.#publish(stamp ?? NO_STAMP),
      abandon: () => {
        this.#abandon();
      },
    };
  }

  /** Id of the newest frame; 0 if there is none yet. */
  get newestId(): number {
    return this.#isGone() ? 0 : newestOf(this.#words.i32, SEQUENCE);
  }

  /**
   * Copies a finished frame, whole or in chunks, into the ring and returns its id. Returns 0 if the ring has ended or
   * the bytes are not exactly one frame: that is counted as rejected and leaves the ring as it was.
   */
  push(frame: Uint8Array | readonly Uint8Array[], stamp: FrameStamp = NO_STAMP): number {
    if (byteLengthOf(frame) !== this.frameSizeBytes || this.#isOver || this.#isGone()) {
      this.#count(HEADER.framesRejected, 1);
      return 0;
    }
    this.#open();
    if (ArrayBuffer.isView(frame)) {
      this.#openBytes.set(frame);
    } else {
      let at = 0;
      for (const chunk of frame) {
        this.#openBytes.set(chunk, at);
        at += chunk.length;
      }
    }
    return this.#publish(stamp);
  }

  /**
   * Opens the next slot for writing in place. A frame that is open already is given up for it. On a ring that has
   * ended, the frame has no bytes and cannot be published.
   */
  begin(): OpenFrame {
    if (!this.#isOver && !this.#isGone()) this.#open();
    return this.#openFrame;
  }

  /**
   * Tells readers that nothing more will come: the camera was closed, or a ring of the next generation takes over. An
   * open frame is given up. Only the first call has an effect.
   */
  end(state: 'ended' | 'replaced'): void {
    this.#abandon();
    if (this.#isOver || this.#isGone()) return;
    this.#isOver = true;
    // After the last frame: a reader that sees the state sees every frame.
    Atomics.store(this.#words.i32, HEADER.state / 4, STATE[state]);
  }

  /** Shows readers that the writer is alive. `nowNs` is the monotonic clock. */
  beat(nowNs: bigint): void {
    if (!this.#isGone()) Atomics.store(this.#words.u64, HEADER.heartbeatNs / 8, nowNs);
  }

  statistics(): FrameRingStatistics {
    return readStatistics(this.#words, this);
  }

  #open(): void {
    this.#abandon();
    const slot = slotOf(this.#slots, this.#nextId);
    // W1, W2. ORDER open: the slot is marked before its picture changes. Pairs with R4, R5.
    storeOpen(this.#words.i32, slot.record / 4 + SEQUENCE, this.#nextId);
    fence();
    this.#openBytes = slot.picture;
  }

  #abandon(): void {
    if (this.#openBytes === NO_BYTES) return;
    this.#openBytes = NO_BYTES;
    this.#count(HEADER.framesIncomplete, 1);
  }

  #publish(stamp: FrameStamp): number {
    if (this.#openBytes === NO_BYTES || this.#isGone()) return 0;
    const frameId = this.#nextId;
    const { record } = slotOf(this.#slots, frameId);
    // W3
    this.#describe(record, frameId, stamp);
    // W4. ORDER publish: picture and record are there before the slot is complete. Pairs with R2.
    storeComplete(this.#words.i32, record / 4 + SEQUENCE, frameId);
    this.#makeNewest(frameId);
    this.#openBytes = NO_BYTES;
    this.#nextId = frameId + 1;
    return frameId;
  }

  /** Fills in the fields of a record that differ from frame to frame, the sequence excepted. */
  #describe(record: number, frameId: number, stamp: FrameStamp): void {
    const { i32, u64 } = this.#words;
    const { timestampNs, wallClockNs, sourceTimestampNs = null, checksum = null } = stamp;
    i32[(record + RECORD.frameId) / 4] = frameId;
    i32[(record + RECORD.frameId) / 4 + 1] = Math.floor(frameId / 2 ** 32);
    if (timestampNs === undefined || wallClockNs === undefined) this.#clock(this.#now);
    if (timestampNs === undefined) this.#copyNow(0, record + RECORD.timestampNs);
    else u64[(record + RECORD.timestampNs) / 8] = timestampNs;
    if (wallClockNs === undefined) this.#copyNow(1, record + RECORD.wallClockNs);
    else u64[(record + RECORD.wallClockNs) / 8] = wallClockNs;
    u64[(record + RECORD.sourceTimestampNs) / 8] = sourceTimestampNs ?? 0n;
    i32[(record + RECORD.checksum) / 4] = checksum ?? 0;
    i32[(record + RECORD.flags) / 4] =
      (sourceTimestampNs === null ? 0 : FLAG_SOURCE_TIMESTAMP) | (checksum === null ? 0 : FLAG_CHECKSUM);
  }

  /** In words: a BigInt that may come from one place or another would be made as an object. */
  #copyNow(clock: 0 | 1, field: number): void {
    const { i32 } = this.#words;
    i32[field / 4] = this.#nowWords[clock * 2] ?? 0;
    i32[field / 4 + 1] = this.#nowWords[clock * 2 + 1] ?? 0;
  }

  /** Makes the current record say what the complete record of the frame's slot says, and counts the frame. */
  #makeNewest(frameId: number): void {
    const { i32 } = this.#words;
    const from = slotOf(this.#slots, frameId).record / 4;
    // W5. ORDER newest: the frame is in its slot before it is called the newest. Pairs with R1.
    storeOpen(i32, SEQUENCE, frameId);
    // W6. ORDER current-open: the current record is marked before its fields change.
    fence();
    // W7
    for (let word = RECORD.frameId / 4; word < SEQUENCE; word++) i32[word] = i32[from + word] ?? 0;
    for (let word = RECORD.wallClockNs / 4; word <= RECORD.checksum / 4; word++)
      i32[word] = i32[from + word] ?? 0;
    // W8. ORDER newest, ORDER current-publish: slot and fields are there before the current record is complete.
    storeComplete(i32, SEQUENCE, frameId);
    // W9
    this.#count(HEADER.framesWritten, 1);
    this.#count(HEADER.bytesWritten, this.frameSizeBytes);
  }

  /** The next frame id. A frame that the last writer completed in its slot, but no further, is published now. */
  #resume({ firstFrameId }: FrameRingLayout): number {
    const nextId = Math.max(newestOf(this.#words.i32, SEQUENCE) + 1, firstFrameId);
    if (!isComplete(this.#words.i32, slotOf(this.#slots, nextId).record / 4 + SEQUENCE, nextId))
      return nextId;
    this.#makeNewest(nextId);
    return nextId + 1;
  }

  /** Adds to a counter of 64 bits in two words, without a BigInt. `amount` is below 2^32. */
  #count(counter: number, amount: number): void {
    const { i32 } = this.#words;
    const at = counter / 4;
    const low = ((i32[at] ?? 0) >>> 0) + amount;
    i32[at] = low;
    if (low >= 2 ** 32) i32[at + 1] = (i32[at + 1] ?? 0) + 1;
  }

  /** Whether either range was taken away (detached, transferred): atomics and copies would throw. */
  #isGone(): boolean {
    return this.#words.i32.length === 0 || slotOf(this.#slots, 0).picture.length === 0;
  }
}

function byteLengthOf(frame: Uint8Array | readonly Uint8Array[]): number {
  if (ArrayBuffer.isView(frame)) return frame.byteLength;
  let bytes = 0;
  for (const chunk of frame) bytes += chunk.byteLength;
  return bytes;
}

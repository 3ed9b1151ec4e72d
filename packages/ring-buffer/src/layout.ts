/**
 * Where everything is in a ring, layout version 1, and the check that memory handed in is such a ring. The protocol
 * document has the same tables with the meaning of each field. Nothing here is synchronised.
 *
 * Words are in the byte order of the machine, which is the protocol's little-endian wherever there are mappings.
 */

import type { FrameColours } from './colours.js';
import { coloursOfBytes } from './colours.js';
import { RingBufferError } from './errors.js';
import type { FrameGeometry } from './geometry.js';
import { geometryComplaint, nv12SizeBytes } from './geometry.js';

export const LAYOUT_VERSION = 1;
export const MAGIC = 'VASFRAME';
export const RECORD_SIZE = 88;
export const HEADER_SIZE = 288;
export const PIXEL_FORMAT_NV12 = 0;
export const MIN_SLOTS = 3;
export const MAX_SLOTS = 64;
export const SLOT_RECORDS_OFFSET = 512;
export const SLOT_RECORD_STRIDE = 128;
const PAGE = 4096;

/** Byte offsets in a record: that of the newest frame, which is at 0, and those of the slots. */
export const RECORD = {
  version: 0,
  recordSize: 4,
  frameId: 8,
  timestampNs: 16,
  width: 24,
  height: 28,
  pixelFormat: 32,
  stride: 36,
  dataSize: 40,
  dataOffset: 48,
  sequence: 56,
  wallClockNs: 64,
  sourceTimestampNs: 72,
  flags: 80,
  checksum: 84,
} as const;

/** Bits of `RECORD.flags`. */
export const FLAG_SOURCE_TIMESTAMP = 1;
export const FLAG_CHECKSUM = 2;

/** Byte offsets in meta. */
export const HEADER = {
  magic: 128,
  headerSize: 136,
  slotCount: 140,
  slotStride: 144,
  metaSize: 152,
  dataSize: 160,
  slotRecordsOffset: 168,
  slotRecordStride: 172,
  epoch: 176,
  generation: 192,
  firstFrameId: 200,
  dataInode: 208,
  createdNs: 216,
  createdWallNs: 224,
  width: 232,
  height: 236,
  pixelFormat: 240,
  stride: 244,
  /** Five bytes: matrix, primaries, transfer, range, chroma siting. */
  colours: 248,
  state: 256,
  heartbeatNs: 320,
  framesWritten: 384,
  framesIncomplete: 392,
  bytesWritten: 400,
  framesRejected: 408,
} as const;

/** Values of `HEADER.state`. */
export const STATE = { live: 1, ended: 2, replaced: 3 } as const;

/** The two byte ranges of a ring. `meta` starts at a multiple of 8 bytes in its buffer; `data` anywhere. */
export interface FrameRingMemory {
  readonly meta: Uint8Array;
  readonly data: Uint8Array;
}

/** Bytes that a ring needs. */
export interface FrameRingSizes {
  readonly metaBytes: number;
  readonly dataBytes: number;
  readonly slotStrideBytes: number;
}

/** `geometry` must have been checked by `nv12Geometry`. */
export function frameRingSizes(geometry: FrameGeometry, slotCount: number): FrameRingSizes {
  const slotStrideBytes = wholePages(nv12SizeBytes(geometry));
  return {
    metaBytes: wholePages(SLOT_RECORDS_OFFSET + SLOT_RECORD_STRIDE * slotCount),
    dataBytes: slotStrideBytes * slotCount,
    slotStrideBytes,
  };
}

function wholePages(bytes: number): number {
  return Math.ceil(bytes / PAGE) * PAGE;
}

/** Meta as the words that its fields are made of. */
export interface MetaWords {
  readonly i32: Int32Array;
  readonly u64: BigUint64Array;
}

export function metaWords({ meta }: FrameRingMemory): MetaWords {
  if (meta.byteOffset % 8 !== 0) {
    throw new RingBufferError(
      'UNSUITABLE_MEMORY',
      `meta starts at byte ${meta.byteOffset}, not at a multiple of 8`,
    );
  }
  const longs = Math.floor(meta.byteLength / 8);
  return {
    i32: new Int32Array(meta.buffer, meta.byteOffset, longs * 2),
    u64: new BigUint64Array(meta.buffer, meta.byteOffset, longs),
  };
}

/** The u32 at a byte offset; 0 if it is outside. */
export function u32At(words: MetaWords, offset: number): number {
  return (words.i32[offset / 4] ?? 0) >>> 0;
}

/** The u64 at a byte offset as a number; inexact from 2^53 on, and then never a safe integer. */
export function u64At(words: MetaWords, offset: number): number {
  return u32At(words, offset + 4) * 2 ** 32 + u32At(words, offset);
}

/** Identity and shape of a ring, checked against the memory that it is in. */
export interface FrameRingLayout {
  readonly geometry: FrameGeometry;
  readonly frameSizeBytes: number;
  readonly slotCount: number;
  readonly colours: FrameColours;
  /** 32 hexadecimal digits. */
  readonly epoch: string;
  readonly generation: bigint;
  readonly firstFrameId: number;
  readonly slots: readonly Slot[];
}

export interface Slot {
  /** Byte offset of its record in meta. */
  readonly record: number;
  /** Byte offset of its picture in data. */
  readonly offset: number;
  /** Its picture; exactly as long as a frame. */
  readonly picture: Uint8Array;
}

/**
 * Reads identity and shape out of memory that may hold anything. Every value is read once, and nothing that is
 * returned reaches outside the memory, whatever is written there later.
 *
 * @throws RingBufferError `INCOMPATIBLE_LAYOUT` if the memory is not a ring that this version can read.
 */
export function readLayout(memory: FrameRingMemory, words: MetaWords): FrameRingLayout {
  const { meta, data } = memory;
  const check = (holds: boolean, complaint: string): void => {
    if (!holds)
      throw new RingBufferError('INCOMPATIBLE_LAYOUT', `not a frame ring that can be read: ${complaint}`);
  };
  check(meta.byteLength >= SLOT_RECORDS_OFFSET, `meta has ${meta.byteLength} bytes, a ring header has 512`);
  check(ascii(meta, HEADER.magic, MAGIC.length) === MAGIC, 'the magic is missing');
  check(u32At(words, RECORD.version) >= 1, 'version 0');
  const headerSize = u32At(words, HEADER.headerSize);
  check(headerSize >= HEADER_SIZE, `header size ${headerSize}`);
  const recordSize = u32At(words, RECORD.recordSize);
  check(recordSize >= RECORD_SIZE, `record size ${recordSize}`);

  const metaSize = u64At(words, HEADER.metaSize);
  check(metaSize <= meta.byteLength, `meta should have ${metaSize} bytes and has ${meta.byteLength}`);
  const dataSize = u64At(words, HEADER.dataSize);
  check(dataSize <= data.byteLength, `data should have ${dataSize} bytes and has ${data.byteLength}`);

  const slotCount = u32At(words, HEADER.slotCount);
  check(slotCount >= MIN_SLOTS && slotCount <= MAX_SLOTS, `${slotCount} slots`);
  const records = u32At(words, HEADER.slotRecordsOffset);
  check(records >= SLOT_RECORDS_OFFSET && records % 8 === 0, `slot records at ${records}`);
  const recordStride = u32At(words, HEADER.slotRecordStride);
  check(recordStride >= SLOT_RECORD_STRIDE && recordStride % 8 === 0, `slot record stride ${recordStride}`);
  check(records + slotCount * recordStride <= metaSize, 'the slot records do not fit into meta');

  const geometry = {
    width: u32At(words, HEADER.width),
    height: u32At(words, HEADER.height),
    strideBytes: u32At(words, HEADER.stride),
  };
  const complaint = geometryComplaint(geometry);
  check(complaint === null, String(complaint));
  const pixelFormat = u32At(words, HEADER.pixelFormat);
  check(pixelFormat === PIXEL_FORMAT_NV12, `pixel format ${pixelFormat}`);
  const frameSizeBytes = nv12SizeBytes(geometry);
  const slotStride = u64At(words, HEADER.slotStride);
  check(frameSizeBytes <= slotStride, `frames of ${frameSizeBytes} bytes in slots of ${slotStride}`);
  check(slotCount * slotStride <= dataSize, 'the slots do not fit into data');

  const firstFrameId = u64At(words, HEADER.firstFrameId);
  check(firstFrameId >= 1 && Number.isSafeInteger(firstFrameId), `first frame id ${firstFrameId}`);

  return {
    geometry,
    frameSizeBytes,
    slotCount,
    colours: coloursOfBytes(meta.slice(HEADER.colours, HEADER.colours + 5)),
    epoch: hex(meta, HEADER.epoch, 16),
    generation: words.u64[HEADER.generation / 8] ?? 0n,
    firstFrameId,
    slots: Array.from({ length: slotCount }, (_, slot) => ({
      record: records + slot * recordStride,
      offset: slot * slotStride,
      picture: new Uint8Array(data.buffer, data.byteOffset + slot * slotStride, frameSizeBytes),
    })),
  };
}

/** The slot of a frame. */
export function slotOf(slots: readonly Slot[], frameId: number): Slot {
  // eslint-disable-next-line @typescript-eslint/no-non-null-assertion -- the remainder is below the number of slots
  return slots[frameId % slots.length]!;
}

function ascii(bytes: Uint8Array, offset: number, length: number): string {
  return String.fromCharCode(...bytes.slice(offset, offset + length));
}

function hex(bytes: Uint8Array, offset: number, length: number): string {
  return Array.from(bytes.slice(offset, offset + length), (byte) => byte.toString(16).padStart(2, '0')).join(
    '',
  );
}

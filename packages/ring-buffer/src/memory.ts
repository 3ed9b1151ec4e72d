/** Makes rings: allocates their memory, or lays one out in memory that is there. The only place that writes headers. */

import { systemClock } from './clock.js';
import type { FrameColours } from './colours.js';
import { bytesOfColours } from './colours.js';
import { RingBufferError } from './errors.js';
import type { FrameGeometry } from './geometry.js';
import { nv12Geometry, nv12SizeBytes } from './geometry.js';
import type { FrameRingMemory } from './layout.js';
import {
  HEADER,
  HEADER_SIZE,
  LAYOUT_VERSION,
  MAGIC,
  MAX_SLOTS,
  MIN_SLOTS,
  PIXEL_FORMAT_NV12,
  RECORD,
  RECORD_SIZE,
  SLOT_RECORD_STRIDE,
  SLOT_RECORDS_OFFSET,
  STATE,
  frameRingSizes,
} from './layout.js';

export interface FrameRingOptions {
  readonly width: number;
  readonly height: number;
  /** Default: `width`. */
  readonly strideBytes?: number;
  /** From 3 to 64; default 4. The newest `slotCount - 1` frames can be relied on to be there. */
  readonly slotCount?: number;
  /** What the colours of the pictures mean, as far as it is known; default: nothing is said. */
  readonly colours?: Partial<FrameColours>;
  /** 16 bytes; default random. A new one for every start of a camera's frames. */
  readonly epoch?: Uint8Array;
  /** From 1 within the epoch; default 1. */
  readonly generation?: bigint;
  /** Default 1. A later generation goes on after the newest frame of the one before. */
  readonly firstFrameId?: number;
  /** Monotonic clock, nanoseconds; default now. */
  readonly createdNs?: bigint;
  /** Unix time, nanoseconds; default now. */
  readonly createdWallNs?: bigint;
}

export interface AllocateOptions extends FrameRingOptions {
  /** Use SharedArrayBuffer, so that worker threads can read; default false. */
  readonly shared?: boolean;
}

/**
 * All the memory that a ring will ever have, laid out and empty: `slotCount` pictures, each rounded up to 4096 bytes,
 * and 4096 to 12288 bytes of meta. The pages are touched here, so that the first frames cost no more than later ones.
 *
 * @throws RingBufferError `BAD_GEOMETRY`, `BAD_SLOT_COUNT`, `BAD_COLOURS`, `BAD_IDENTITY`, `OUT_OF_MEMORY`.
 */
export function allocateFrameRing(options: AllocateOptions): FrameRingMemory {
  const { geometry, slotCount } = checkedShape(options);
  const { metaBytes, dataBytes } = frameRingSizes(geometry, slotCount);
  const allocate = (bytes: number): Uint8Array =>
    new Uint8Array(options.shared === true ? new SharedArrayBuffer(bytes) : new ArrayBuffer(bytes)).fill(0);
  let memory: FrameRingMemory;
  try {
    memory = { meta: allocate(metaBytes), data: allocate(dataBytes) };
  } catch (cause) {
    const message = `no memory for ${slotCount} frames of ${nv12SizeBytes(geometry)} bytes`;
    throw new RingBufferError('OUT_OF_MEMORY', message, { cause });
  }
  layOutFrameRing(memory, options);
  return memory;
}

/**
 * Makes an empty ring of memory that nobody looks at yet; `frameRingSizes` says how much it takes. All of meta is
 * overwritten; data is left as it is.
 *
 * @throws RingBufferError `BAD_GEOMETRY`, `BAD_SLOT_COUNT`, `BAD_COLOURS`, `BAD_IDENTITY`, `UNSUITABLE_MEMORY`.
 */
export function layOutFrameRing(memory: FrameRingMemory, options: FrameRingOptions): void {
  const { geometry, slotCount } = checkedShape(options);
  const { metaBytes, dataBytes, slotStrideBytes } = frameRingSizes(geometry, slotCount);
  const { meta, data } = memory;
  if (meta.byteLength < metaBytes || data.byteLength < dataBytes || meta.byteOffset % 8 !== 0) {
    const message = `a ring of this shape takes ${metaBytes} bytes of meta at a multiple of 8 and ${dataBytes} of data`;
    throw new RingBufferError('UNSUITABLE_MEMORY', message);
  }
  const colours = bytesOfColours(options.colours ?? {});
  const { epoch, generation, firstFrameId, createdNs, createdWallNs } = checkedIdentity(options);

  meta.fill(0);
  const view = new DataView(meta.buffer, meta.byteOffset, metaBytes);
  const u32 = (offset: number, value: number): void => {
    view.setUint32(offset, value, true);
  };
  const u64 = (offset: number, value: bigint): void => {
    view.setBigUint64(offset, value, true);
  };

  const layOutRecord = (record: number, dataOffset: number): void => {
    u32(record + RECORD.version, LAYOUT_VERSION);
    u32(record + RECORD.recordSize, RECORD_SIZE);
    u32(record + RECORD.width, geometry.width);
    u32(record + RECORD.height, geometry.height);
    u32(record + RECORD.pixelFormat, PIXEL_FORMAT_NV12);
    u32(record + RECORD.stride, geometry.strideBytes);
    u64(record + RECORD.dataSize, BigInt(nv12SizeBytes(geometry)));
    u64(record + RECORD.dataOffset, BigInt(dataOffset));
  };
  layOutRecord(0, 0);
  for (let slot = 0; slot < slotCount; slot++) {
    layOutRecord(SLOT_RECORDS_OFFSET + slot * SLOT_RECORD_STRIDE, slot * slotStrideBytes);
  }

  for (let i = 0; i < MAGIC.length; i++) view.setUint8(HEADER.magic + i, MAGIC.charCodeAt(i));
  u32(HEADER.headerSize, HEADER_SIZE);
  u32(HEADER.slotCount, slotCount);
  u64(HEADER.slotStride, BigInt(slotStrideBytes));
  u64(HEADER.metaSize, BigInt(metaBytes));
  u64(HEADER.dataSize, BigInt(dataBytes));
  u32(HEADER.slotRecordsOffset, SLOT_RECORDS_OFFSET);
  u32(HEADER.slotRecordStride, SLOT_RECORD_STRIDE);
  meta.set(epoch, HEADER.epoch);
  u64(HEADER.generation, generation);
  u64(HEADER.firstFrameId, BigInt(firstFrameId));
  u64(HEADER.createdNs, createdNs);
  u64(HEADER.createdWallNs, createdWallNs);
  u32(HEADER.width, geometry.width);
  u32(HEADER.height, geometry.height);
  u32(HEADER.pixelFormat, PIXEL_FORMAT_NV12);
  u32(HEADER.stride, geometry.strideBytes);
  meta.set(colours, HEADER.colours);
  u32(HEADER.state, STATE.live);
}

function checkedShape(options: FrameRingOptions): { geometry: FrameGeometry; slotCount: number } {
  const { width, height, strideBytes, slotCount = 4 } = options;
  const geometry = nv12Geometry(width, height, strideBytes);
  if (!Number.isInteger(slotCount) || slotCount < MIN_SLOTS || slotCount > MAX_SLOTS) {
    const message = `the slot count must be an integer from ${MIN_SLOTS} to ${MAX_SLOTS}, not ${slotCount}`;
    throw new RingBufferError('BAD_SLOT_COUNT', message);
  }
  return { geometry, slotCount };
}

function checkedIdentity(
  options: FrameRingOptions,
): Required<Omit<FrameRingOptions, keyof FrameGeometry | 'slotCount' | 'colours'>> {
  const now = new BigUint64Array(2);
  systemClock()(now);
  const {
    epoch = crypto.getRandomValues(new Uint8Array(16)),
    generation = 1n,
    firstFrameId = 1,
    createdNs = now[0] ?? 0n,
    createdWallNs = now[1] ?? 0n,
  } = options;
  const check = (holds: boolean, message: string): void => {
    if (!holds) throw new RingBufferError('BAD_IDENTITY', message);
  };
  check(epoch.byteLength === 16, `an epoch has 16 bytes, not ${epoch.byteLength}`);
  check(isU64(generation) && generation >= 1n, `the generation counts from 1, not ${generation}`);
  check(
    Number.isSafeInteger(firstFrameId) && firstFrameId >= 1,
    `the first frame id must be an integer from 1 to 2^53 - 1, not ${firstFrameId}`,
  );
  check(isU64(createdNs) && isU64(createdWallNs), 'the time of creation must be a u64 of nanoseconds');
  return { epoch, generation, firstFrameId, createdNs, createdWallNs };
}

function isU64(value: bigint): boolean {
  return typeof value === 'bigint' && BigInt.asUintN(64, value) === value;
}

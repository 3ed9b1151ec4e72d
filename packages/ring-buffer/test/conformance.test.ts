/** The conformance data that can be asked of the bytes of a ring. A file that is not run here fails the test. */
import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as layout from '../src/layout.js';
import { INTERVAL, readSlowly } from './slow-reader.js';
import type { FrameColours, FrameRead, FrameRingMemory } from '@vas/ring-buffer';
import {
  FrameRingReader,
  LAYOUT_VERSION,
  allocateFrameRing,
  nv12Geometry,
  nv12SizeBytes,
} from '@vas/ring-buffer';

const protocol = new URL('../../../rust-shm/protocol/', import.meta.url);
const folder = new URL('conformance/ring/', protocol);

interface Rows<Row> {
  readonly rows: readonly Row[];
}

const files: Record<string, () => void> = {
  walks,
  outcomes,
  layouts,
  colours,
  geometries,
  constants,
  'slow-readers': slowReaders,
};

describe('the conformance data for rings', () => {
  it('P2.18: is all run here', () => {
    const names = readdirSync(folder).map((name) => name.replace('.json', ''));
    expect(names.sort()).toEqual(Object.keys(files).sort());
  });

  it.each(Object.entries(files))('P2.18: %s hold', (_, run) => {
    run();
  });
});

function load(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8'));
}

interface Patched {
  readonly name: string;
  readonly ring: string;
  /** Offsets in meta, and the bytes that stand there instead, in hexadecimal digits. */
  readonly patches: readonly (readonly [number, string])[];
}

interface Read {
  readonly call: 'newest' | 'next' | 'at';
  readonly seen?: number;
  readonly id?: number;
  readonly outcome: FrameRead['status'];
  readonly frame_id?: number;
  readonly missed?: number;
}

function golden(ring: string): FrameRingMemory {
  const bytes = (suffix: string): Uint8Array =>
    new Uint8Array(readFileSync(new URL(`golden/${ring}.${suffix}`, protocol)));
  return { meta: bytes('meta'), data: bytes('data') };
}

function patch({ meta }: FrameRingMemory, { patches }: Patched): void {
  for (const [offset, digits] of patches) meta.set(Buffer.from(digits, 'hex'), offset);
}

function expectReads(reader: FrameRingReader, name: string, reads: readonly Read[]): void {
  const into = new Uint8Array(reader.frameSizeBytes);
  for (const read of reads) {
    const { call, seen = 0, id = 0 } = read;
    const result =
      call === 'at'
        ? reader.copyAt(into, id)
        : call === 'newest'
          ? reader.copyNewest(into, seen)
          : reader.copyNext(into, seen);
    const told =
      result.status === 'frame' ? [result.frame.frameId, call === 'at' ? undefined : result.missed] : [];
    const expected = read.outcome === 'frame' ? [read.frame_id, call === 'at' ? undefined : read.missed] : [];
    expect([result.status, ...told], `${name}: ${JSON.stringify(read)}`).toEqual([read.outcome, ...expected]);
  }
}

function walks(): void {
  for (const row of (load('walks') as Rows<Patched & { readonly reads: readonly Read[] }>).rows) {
    const memory = golden(row.ring);
    patch(memory, row);
    expectReads(new FrameRingReader(memory), row.name, row.reads);
  }
}

function outcomes(): void {
  for (const row of (load('outcomes') as Rows<Patched & { readonly reads: readonly Read[] }>).rows) {
    const memory = golden(row.ring);
    const reader = new FrameRingReader(memory);
    patch(memory, row);
    expectReads(reader, row.name, row.reads);
  }
}

function layouts(): void {
  for (const row of (load('layouts') as Rows<Patched & { readonly is_readable: boolean }>).rows) {
    const memory = golden(row.ring);
    patch(memory, row);
    expect(
      codeOf(() => new FrameRingReader(memory)),
      row.name,
    ).toBe(row.is_readable ? null : 'INCOMPATIBLE_LAYOUT');
  }
}

/** The code of what is thrown; null if nothing is. */
function codeOf(call: () => unknown): unknown {
  try {
    call();
    return null;
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
}

interface ColourRow extends Omit<FrameColours, 'chromaSiting'> {
  readonly bytes: readonly number[];
  readonly chroma_siting: FrameColours['chromaSiting'];
}

function told({ matrix, primaries, transfer, range, chroma_siting: chromaSiting }: ColourRow): FrameColours {
  return { matrix, primaries, transfer, range, chromaSiting };
}

function colours(): void {
  const { rows, written } = load('colours') as Rows<ColourRow> & { readonly written: readonly ColourRow[] };
  for (const row of rows) {
    const memory = golden('wrapped');
    memory.meta.set(row.bytes, 248);
    expect(new FrameRingReader(memory).colours).toEqual(told(row));
  }
  for (const row of written) {
    const { meta } = allocateFrameRing({ width: 2, height: 2, slotCount: 3, colours: told(row) });
    expect([...meta.subarray(248, 253)], JSON.stringify(row)).toEqual(row.bytes);
  }
}

interface GeometryRow {
  readonly width: number;
  readonly height: number;
  readonly stride: number;
  readonly picture_bytes: number | null;
}

function geometries(): void {
  for (const { width, height, stride, picture_bytes: bytes } of (load('geometries') as Rows<GeometryRow>)
    .rows) {
    const make = (): number => nv12SizeBytes(nv12Geometry(width, height, stride));
    if (bytes === null) expect(codeOf(make), `${width}x${height}, ${stride}`).toBe('BAD_GEOMETRY');
    else expect(make()).toBe(bytes);
  }
}

function constants(): void {
  const here = {
    layout_version: LAYOUT_VERSION,
    record_size: layout.RECORD_SIZE,
    header_size: layout.HEADER_SIZE,
    smallest_slot_count: layout.MIN_SLOTS,
    largest_slot_count: layout.MAX_SLOTS,
    slot_records_offset: layout.SLOT_RECORDS_OFFSET,
    slot_record_stride: layout.SLOT_RECORD_STRIDE,
  };
  const expected = load('constants') as Record<string, number>;
  expect(expected).toMatchObject(here);
  const { largest_side: side = 0, largest_stride: stride = 0, page = 0 } = expected;
  expect(nv12Geometry(side, 2, stride)).toMatchObject({ width: side, strideBytes: stride });
  expect(codeOf(() => nv12Geometry(side + 2, 2))).toBe('BAD_GEOMETRY');
  expect(codeOf(() => nv12Geometry(2, 2, stride + 1))).toBe('BAD_GEOMETRY');
  expect(layout.frameRingSizes(nv12Geometry(2, 2), 3).slotStrideBytes).toBe(page);
  // Nothing here beats or judges by itself: whoever owns the clock does.
  const others = ['about', 'heartbeat_period_ns', 'largest_side', 'largest_stride', 'old_after_ns', 'page'];
  expect(Object.keys(expected).sort()).toEqual([...Object.keys(here), ...others].sort());
}

interface SlowReaders {
  readonly slot_counts: readonly number[];
  readonly look_steps: number;
  readonly run_intervals: number;
  readonly share: number;
  readonly looks_in_one_call: number;
  readonly calls: readonly ('newest' | 'next')[];
}

function slowReaders(): void {
  const {
    slot_counts: slotCounts,
    look_steps: step,
    share,
    calls,
    ...data
  } = load('slow-readers') as SlowReaders;
  const run = data.run_intervals * INTERVAL;
  for (const call of calls) {
    for (const slotCount of slotCounts) {
      for (let look = step; look <= (slotCount - 2) * INTERVAL; look += step) {
        const { delivered, looksInOneCall } = readSlowly(slotCount, look, run, call);
        const thereIsTimeFor = run / Math.max(look, INTERVAL);
        const what = `${slotCount} slots, ${call}, looks of ${look}`;
        expect(delivered, what).toBeGreaterThanOrEqual(thereIsTimeFor * share);
        expect(looksInOneCall, what).toBeLessThanOrEqual(data.looks_in_one_call);
      }
      expect(readSlowly(slotCount, (slotCount + 1) * INTERVAL, run, call)).toMatchObject({
        delivered: 0,
        looksInOneCall: data.looks_in_one_call,
      });
    }
  }
}

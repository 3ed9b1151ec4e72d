import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FRAME_BYTES, makeRing, picture, pushUntil } from './rings.js';
import type { FrameRingMemory } from '@vas/ring-buffer';
import { FrameRingReader, FrameRingWriter, RingBufferError } from '@vas/ring-buffer';

const STATUSES = ['frame', 'nothing-newer', 'overwritten', 'damaged', 'ended', 'replaced'];

/** A ring in plain memory with a few frames in it. */
function validRing(): FrameRingMemory {
  const { memory, writer } = makeRing();
  pushUntil(writer, 5);
  writer.begin();
  return memory;
}

/** A reader on memory that may hold anything; null if the memory was refused in the way it should be. */
function attach(memory: FrameRingMemory): FrameRingReader | null {
  try {
    return new FrameRingReader(memory);
  } catch (error) {
    expect(error).toBeInstanceOf(RingBufferError);
    expect((error as RingBufferError).code).toBe('INCOMPATIBLE_LAYOUT');
    return null;
  }
}

/** Every way to read; each must end with a verdict and stay inside the memory. */
function readEverything(reader: FrameRingReader, memory: FrameRingMemory): void {
  const into = new Uint8Array(reader.frameSizeBytes);
  let looks = 0;
  let looksOutside = 0;
  const { byteOffset: start, length } = memory.data;
  const look = ({ byteOffset, length: size }: Uint8Array): void => {
    looks++;
    if (size !== into.length || byteOffset < start || byteOffset + size > start + length) looksOutside++;
  };
  const verdicts = new Set<string>();
  for (const id of [1, 4, 5, 6, 2 ** 31, 2 ** 40, Number.MAX_SAFE_INTEGER]) {
    for (const read of [
      reader.copyNewest(into, id),
      reader.copyNext(into, id),
      reader.copyAt(into, id),
      reader.lookNewest(look, id),
      reader.lookNext(look, id),
      reader.lookAt(look, id),
    ]) {
      verdicts.add(
        read.status === 'overwritten' && read.frameId < id ? 'overwritten in the past' : read.status,
      );
    }
  }
  // A walk always comes to an end: every verdict that is not the last one leads forward.
  let seen = 0;
  for (let steps = 0; steps < 200; steps++) {
    const read = reader.lookNext(look, seen);
    if (read.status !== 'frame' && read.status !== 'overwritten') break;
    const next = read.status === 'frame' ? read.frame.frameId : read.frameId;
    if (next <= seen || read.missed < 0) verdicts.add('backwards');
    seen = next;
  }
  expect(STATUSES).toEqual(expect.arrayContaining([...verdicts]));
  expect(looksOutside).toBe(0);
  expect(looks).toBeLessThan(2000);
  expect(['live', 'ended', 'replaced', 'damaged']).toContain(reader.state);
  expect(Number.isSafeInteger(reader.newestId)).toBe(true);
  reader.statistics();
  expect(reader.heartbeatNs).toBeTypeOf('bigint');
}

/** Values that break arithmetic, and some that look right. */
const word = fc.oneof(
  fc.constantFrom(0, 1, 2, 3, 4, 63, 64, 65, 128, 384, 512, 4096, 12288, 0x7fffffff, 0x80000000, 0xffffffff),
  fc.integer({ min: 0, max: 0xffffffff }),
);
const damage = fc.array(fc.tuple(fc.integer({ min: 0, max: 4096 / 4 - 1 }), word), {
  minLength: 1,
  maxLength: 6,
});
/** Only where there are fields, so that most runs hit one. */
const fields = fc.array(
  fc.tuple(fc.oneof(fc.integer({ min: 0, max: 103 }), fc.integer({ min: 128, max: 223 })), word),
  {
    minLength: 1,
    maxLength: 4,
  },
);

function apply({ meta }: FrameRingMemory, changes: readonly (readonly [number, number])[]): void {
  const words = new Uint32Array(meta.buffer, meta.byteOffset, meta.byteLength / 4);
  for (const [at, value] of changes) words[at] = value;
}

describe('hostile memory', () => {
  it('P1.4: is refused or read with verdicts when fields are damaged before a reader is made', () => {
    fc.assert(
      fc.property(fc.oneof(fields, damage), (changes) => {
        const memory = validRing();
        apply(memory, changes);
        const reader = attach(memory);
        if (reader !== null) readEverything(reader, memory);
      }),
      { numRuns: 800 },
    );
  });

  it('P1.4: is read with verdicts when fields are damaged under a reader', () => {
    fc.assert(
      fc.property(fc.oneof(fields, damage), (changes) => {
        const memory = validRing();
        const reader = new FrameRingReader(memory);
        apply(memory, changes);
        readEverything(reader, memory);
      }),
      { numRuns: 800 },
    );
  });

  it('P1.4: is read with verdicts when it changes while it is looked at', () => {
    fc.assert(
      fc.property(fc.array(fields, { minLength: 1, maxLength: 10 }), (rounds) => {
        const memory = validRing();
        const reader = new FrameRingReader(memory);
        let round = 0;
        const look = (): void => {
          apply(memory, rounds[round++ % rounds.length] ?? []);
        };
        for (let seen = 0; seen < 8; seen++) {
          expect(STATUSES).toContain(reader.lookNext(look, seen).status);
          expect(STATUSES).toContain(reader.lookNewest(look, seen).status);
        }
      }),
      { numRuns: 400 },
    );
  });

  it('is refused when it is noise, or nothing', () => {
    const bytes = fc.uint8Array({ maxLength: 2000 });
    fc.assert(
      fc.property(bytes, bytes, (meta, data) => {
        expect(attach({ meta: new Uint8Array(meta), data: new Uint8Array(data) })).toBeNull();
      }),
    );
  });

  it.each([
    ['magic', 128, 0],
    ['version 0', 0, 0],
    ['header size', 136, 287],
    ['record size', 4, 87],
    ['too few slots', 140, 2],
    ['too many slots', 140, 65],
    ['more slots than meta holds', 140, 64],
    ['more slots than data holds', 140, 4],
    ['meta size', 152, 4097],
    ['meta size beyond 32 bits', 156, 1],
    ['data size', 160, 12289],
    ['slot stride below a picture', 144, FRAME_BYTES - 1],
    ['slot stride beyond data', 144, 4097],
    ['slot records in the header', 168, 448],
    ['slot records at an odd place', 168, 516],
    ['slot record stride', 172, 120],
    ['slot record stride not of whole words', 172, 132],
    ['odd width', 232, 15],
    ['stride below width', 244, 14],
    ['height that does not fit', 236, 1024],
    ['pixel format', 240, 1],
    ['first frame id 0', 200, 0],
    ['first frame id beyond 2^53', 204, 0x200000],
  ])('is refused for its %s', (_, offset, value) => {
    const memory = validRing();
    new DataView(memory.meta.buffer).setUint32(offset, value, true);
    expect(attach(memory)).toBeNull();
    expect(() => new FrameRingWriter(memory)).toThrow(
      expect.objectContaining({ code: 'INCOMPATIBLE_LAYOUT' }),
    );
  });

  it('P2.10: is accepted when it is a later version that has only appended', () => {
    const { memory: small } = makeRing();
    const memory = { meta: new Uint8Array(8192), data: small.data };
    memory.meta.set(small.meta.subarray(0, 512));
    const view = new DataView(memory.meta.buffer);
    view.setUint32(0, 7, true);
    view.setUint32(4, 200, true);
    view.setUint32(136, 360, true);
    view.setBigUint64(152, 8192n, true);
    view.setUint32(168, 1024, true);
    view.setUint32(172, 256, true);
    for (let slot = 0; slot < 3; slot++) {
      memory.meta.set(small.meta.subarray(512 + slot * 128, 640 + slot * 128), 1024 + slot * 256);
    }
    pushUntil(new FrameRingWriter(memory), 5);
    const into = new Uint8Array(FRAME_BYTES);
    expect(new FrameRingReader(memory).copyNext(into, 0)).toMatchObject({ frame: { frameId: 3 }, missed: 2 });
    expect(into).toEqual(picture(3));
  });

  it.each([
    ['version', 0, 0],
    ['record size', 4, 87],
    ['frame id', 8, 4],
    ['width', 24, 18],
    ['height', 28, 14],
    ['pixel format', 32, 1],
    ['stride', 36, 17],
    ['data size', 40, FRAME_BYTES + 1],
    ['data size beyond 32 bits', 44, 1],
    ['data offset', 48, 4096],
    ['data offset outside data', 52, 0xffffffff],
  ])('P1.4 P2.18: calls a frame damaged whose record has another %s', (_, offset, value) => {
    const memory = validRing();
    const reader = new FrameRingReader(memory);
    // Frame 5 is in slot 2.
    new DataView(memory.meta.buffer).setUint32(512 + 2 * 128 + offset, value, true);
    expect(reader.lookAt(() => 0, 5)).toEqual({ status: 'damaged' });
    expect(reader.lookNewest(() => 0)).toEqual({ status: 'damaged' });
    expect(reader.lookAt(() => 0, 4)).toMatchObject({ status: 'frame' });
  });

  it.each([0, 4, 0xffffffff])('P2.18: calls a ring damaged whose state is %d', (state) => {
    const memory = validRing();
    const reader = new FrameRingReader(memory);
    new DataView(memory.meta.buffer).setUint32(256, state, true);
    expect(reader.state).toBe('damaged');
    expect(reader.lookNext(() => 0, 4)).toMatchObject({ status: 'frame' });
    expect(reader.lookNext(() => 0, 5)).toEqual({ status: 'damaged' });
  });

  it('P2.18: calls a ring of zeros damaged, which is what a file that was cut short becomes', () => {
    const memory = validRing();
    const reader = new FrameRingReader(memory);
    memory.meta.fill(0);
    memory.data.fill(0);
    expect(reader.lookNewest(() => 0)).toEqual({ status: 'damaged' });
    expect(reader.lookAt(() => 0, 3)).toEqual({ status: 'damaged' });
  });
});

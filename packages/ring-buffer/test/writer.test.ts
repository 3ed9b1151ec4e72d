import { describe, expect, it, vi } from 'vitest';
import { FRAME_BYTES, detach, makeRing, picture, pushUntil, snapshot } from './rings.js';
import type { FrameRingMemory } from '@vas/ring-buffer';
import { FrameRingReader, FrameRingWriter, allocateFrameRing, layOutFrameRing } from '@vas/ring-buffer';

describe('making a ring', () => {
  it.each([2, 65, 3.5, NaN])('refuses %d slots', (slotCount) => {
    expect(() => allocateFrameRing({ width: 16, height: 16, slotCount })).toThrow(
      expect.objectContaining({ code: 'BAD_SLOT_COUNT' }),
    );
  });

  it.each([
    { epoch: new Uint8Array(15) },
    { generation: 0n },
    { generation: 2n ** 64n },
    { firstFrameId: 0 },
    { firstFrameId: 1.5 },
    { createdNs: -1n },
  ])('refuses an identity that cannot be written: %o', (identity) => {
    expect(() => allocateFrameRing({ width: 16, height: 16, ...identity })).toThrow(
      expect.objectContaining({ code: 'BAD_IDENTITY' }),
    );
  });

  it('P1.1: says so when the memory cannot be had', () => {
    vi.stubGlobal('ArrayBuffer', function ArrayBuffer() {
      throw new RangeError('Array buffer allocation failed');
    });
    try {
      expect(() => allocateFrameRing({ width: 1920, height: 1080 })).toThrow(
        expect.objectContaining({
          code: 'OUT_OF_MEMORY',
          message: 'no memory for 4 frames of 3110400 bytes',
        }),
      );
    } finally {
      vi.unstubAllGlobals();
    }
  });

  it('gives every ring an epoch of its own', () => {
    expect(makeRing().reader.epoch).toMatch(/^[0-9a-f]{32}$/);
    expect(makeRing().reader.epoch).not.toBe(makeRing().reader.epoch);
  });

  it('lays a ring out anywhere in a buffer, and touches nothing beside it', () => {
    const buffer = new Uint8Array(8 + 4096 + 3 + 3 * 4096 + 5).fill(0xaa);
    const memory = { meta: buffer.subarray(8, 8 + 4096), data: buffer.subarray(8 + 4096 + 3, -5) };
    layOutFrameRing(memory, { width: 16, height: 16, slotCount: 3 });
    const writer = new FrameRingWriter(memory);
    pushUntil(writer, 7);
    const into = new Uint8Array(FRAME_BYTES);
    expect(new FrameRingReader(memory).copyNewest(into)).toMatchObject({
      status: 'frame',
      frame: { frameId: 7 },
    });
    expect(into).toEqual(picture(7));
    for (const beside of [
      buffer.subarray(0, 8),
      buffer.subarray(8 + 4096, 8 + 4096 + 3),
      buffer.subarray(-5),
    ]) {
      expect(beside.every((byte) => byte === 0xaa)).toBe(true);
    }
  });

  it('refuses memory that is too small or not aligned', () => {
    const options = { width: 16, height: 16, slotCount: 3 };
    const buffer = new Uint8Array(32_768);
    const range = (from: number, bytes: number): Uint8Array => buffer.subarray(from, from + bytes);
    const unsuitable: FrameRingMemory[] = [
      { meta: range(0, 4095), data: range(8192, 12_288) },
      { meta: range(0, 4096), data: range(8192, 12_287) },
      { meta: range(4, 4096), data: range(8192, 12_288) },
    ];
    for (const memory of unsuitable) {
      expect(() => {
        layOutFrameRing(memory, options);
      }).toThrow(expect.objectContaining({ code: 'UNSUITABLE_MEMORY' }));
    }
    const { memory } = makeRing();
    const shifted = new Uint8Array(memory.meta.length + 4);
    shifted.set(memory.meta, 4);
    expect(() => new FrameRingWriter({ ...memory, meta: shifted.subarray(4) })).toThrow(
      expect.objectContaining({ code: 'UNSUITABLE_MEMORY' }),
    );
  });
});

describe('writing', () => {
  it('P1.1: keeps the last frames in the memory that was there from the start', () => {
    const { memory, writer, reader } = makeRing({ slotCount: 5 });
    const { buffer } = memory.data;
    pushUntil(writer, 1000);
    expect(memory.data.buffer).toBe(buffer);
    const into = new Uint8Array(FRAME_BYTES);
    for (const frameId of [996, 997, 998, 999, 1000]) {
      expect(reader.copyAt(into, frameId)).toMatchObject({ status: 'frame' });
      expect(into).toEqual(picture(frameId));
    }
    expect(reader.copyAt(into, 995)).toEqual({ status: 'overwritten', frameId: 995, missed: 1 });
  });

  it('P1.2: overwrites the oldest frame when full', () => {
    const { writer, reader } = makeRing({ slotCount: 3 });
    pushUntil(writer, 3);
    const into = new Uint8Array(FRAME_BYTES);
    expect(reader.copyAt(into, 1)).toMatchObject({ status: 'frame' });
    expect(writer.push(picture(4))).toBe(4);
    expect(reader.copyAt(into, 1)).toMatchObject({ status: 'overwritten' });
    expect(reader.copyAt(into, 2)).toMatchObject({ status: 'frame' });
  });

  it('P1.2: goes on while a reader is in the middle of a look, and takes its slot', () => {
    const { writer, reader } = makeRing({ slotCount: 3 });
    pushUntil(writer, 3);
    const look = reader.lookAt(() => {
      pushUntil(writer, 100);
    }, 1);
    expect(look).toEqual({ status: 'overwritten', frameId: 1, missed: 1 });
    expect(writer.newestId).toBe(100);
  });

  it('P1.2: is not held up by a reader that throws', () => {
    const { writer, reader } = makeRing();
    pushUntil(writer, 3);
    expect(() =>
      reader.lookNewest(() => {
        throw new Error('of the reader');
      }),
    ).toThrow('of the reader');
    expect(writer.push(picture(4))).toBe(4);
  });

  it('P1.6: refuses a frame of the wrong size and leaves the ring untouched', () => {
    const { memory, writer, reader } = makeRing();
    pushUntil(writer, 4);
    const before = snapshot(memory);
    const wrong = [
      new Uint8Array(0),
      picture(5, FRAME_BYTES - 1),
      picture(5, FRAME_BYTES + 1),
      [],
      [picture(5), picture(5)],
      [picture(5, 100)],
    ];
    for (const frame of wrong) expect(writer.push(frame)).toBe(0);
    expect(reader.statistics().framesRejected).toBe(wrong.length);
    const after = snapshot(memory);
    after.set(before.subarray(408, 416), 408);
    expect(after).toEqual(before);
    expect(writer.push(picture(5))).toBe(5);
  });

  it('joins chunks of any size into one frame', () => {
    const { writer, reader } = makeRing();
    const whole = picture(9);
    const chunks = [whole.subarray(0, 1), whole.subarray(1, 1), whole.subarray(1, 300), whole.subarray(300)];
    expect(writer.push(chunks)).toBe(1);
    const into = new Uint8Array(FRAME_BYTES);
    reader.copyNewest(into);
    expect(into).toEqual(whole);
  });

  it('P1.7: numbers frames without gaps, whatever is refused or given up in between', () => {
    const { writer } = makeRing();
    expect(writer.newestId).toBe(0);
    expect(writer.push(picture(1))).toBe(1);
    writer.begin().abandon();
    writer.push(new Uint8Array(1));
    expect(writer.begin().publish()).toBe(2);
    expect(writer.push(picture(3))).toBe(3);
    expect(writer.newestId).toBe(3);
  });

  it('P1.7: numbers the frames of a later generation after those of the one before', () => {
    const { writer, reader } = makeRing({ generation: 2n, firstFrameId: 6 });
    expect(writer.push(picture(6))).toBe(6);
    expect(reader).toMatchObject({ generation: 2n, firstFrameId: 6, newestId: 6 });
  });

  it('P1.7: stamps frames with the monotonic clock and with Unix time', () => {
    const { writer, reader } = makeRing();
    const monotonicBefore = process.hrtime.bigint();
    const wallBefore = Date.now();
    writer.push(picture(1));
    const monotonicAfter = process.hrtime.bigint();
    const wallAfter = Date.now();
    const look = reader.lookNewest((_, frame) => frame);
    if (look.status !== 'frame') throw new Error(look.status);
    const { timestampNs, wallClockNs } = look.frame;
    expect(timestampNs).toBeGreaterThanOrEqual(monotonicBefore);
    expect(timestampNs).toBeLessThanOrEqual(monotonicAfter);
    // Unix time is known to the millisecond, and the writer may have been held up while it compared the clocks.
    const tolerance = 100_000_000n;
    expect(wallClockNs).toBeGreaterThanOrEqual(BigInt(wallBefore) * 1_000_000n - tolerance);
    expect(wallClockNs).toBeLessThanOrEqual(BigInt(wallAfter) * 1_000_000n + tolerance);
  });

  it('P1.7: never stamps a frame earlier than the one before', () => {
    const { writer, reader } = makeRing();
    let last = 0n;
    for (let i = 0; i < 10_000; i++) {
      writer.push(picture(1));
      reader.lookNewest((_, { timestampNs }) => {
        if (timestampNs < last) throw new Error(`${timestampNs} after ${last}`);
        last = timestampNs;
      });
    }
    expect(last).toBeGreaterThan(0n);
  });

  it('keeps times and checksum that the caller gives', () => {
    const { writer, reader } = makeRing();
    const stamp = {
      timestampNs: 2n ** 63n + 1n,
      wallClockNs: 1_700_000_000_000_000_007n,
      sourceTimestampNs: 0n,
      checksum: 0xffff_fffe,
    };
    writer.push(picture(1), stamp);
    expect(reader.lookNewest(() => 0)).toMatchObject({ frame: stamp });
    writer.begin().publish({ ...stamp, sourceTimestampNs: null, checksum: null });
    expect(reader.lookNewest(() => 0)).toMatchObject({ frame: { sourceTimestampNs: null, checksum: null } });
  });

  it('asks the given clock once per frame that brings no times of its own', () => {
    const { memory } = makeRing();
    let calls = 0;
    const writer = new FrameRingWriter(memory, {
      clock: (now) => {
        calls++;
        now.set([2n ** 63n + 1n, 7n]);
      },
    });
    writer.push(picture(1));
    expect(new FrameRingReader(memory).lookNewest(() => 0)).toMatchObject({
      frame: { timestampNs: 2n ** 63n + 1n, wallClockNs: 7n },
    });
    writer.push(picture(2), { timestampNs: 1n, wallClockNs: 1n });
    expect(calls).toBe(1);
  });
});

describe('writing in place', () => {
  it('shows the frame to readers only once it is published', () => {
    const { writer, reader } = makeRing();
    const open = writer.begin();
    open.bytes.set(picture(1));
    expect(reader.newestId).toBe(0);
    expect(open.publish()).toBe(1);
    const into = new Uint8Array(FRAME_BYTES);
    expect(reader.copyNewest(into)).toMatchObject({ status: 'frame' });
    expect(into).toEqual(picture(1));
  });

  it('costs the oldest frame as soon as it begins, and no other', () => {
    const { writer, reader } = makeRing({ slotCount: 3 });
    pushUntil(writer, 5);
    writer.begin().bytes.fill(0xee);
    const into = new Uint8Array(FRAME_BYTES);
    expect(reader.copyAt(into, 3)).toMatchObject({ status: 'overwritten' });
    expect(reader.copyNext(into, 0)).toMatchObject({ frame: { frameId: 4 }, missed: 3 });
    expect(reader.copyNewest(into)).toMatchObject({ frame: { frameId: 5 } });
  });

  it('gives a frame up when another is begun or pushed, and counts it', () => {
    const { writer } = makeRing();
    writer.begin();
    expect(writer.begin().publish()).toBe(1);
    writer.begin();
    expect(writer.push(picture(2))).toBe(2);
    expect(writer.statistics()).toMatchObject({ framesWritten: 2, framesIncomplete: 2 });
  });

  it('publishes nothing twice, and nothing that was given up', () => {
    const { writer } = makeRing();
    const open = writer.begin();
    open.publish();
    expect(open.publish()).toBe(0);
    expect(open.bytes).toHaveLength(0);
    open.abandon();
    writer.begin().abandon();
    expect(open.publish()).toBe(0);
    expect(writer.statistics()).toMatchObject({ framesWritten: 1, framesIncomplete: 1 });
  });
});

describe('statistics', () => {
  it('P1.8: count what was written, overwritten, given up and rejected, the same for writer and readers', () => {
    const { writer, reader } = makeRing({ slotCount: 3 });
    expect(writer.statistics()).toEqual({
      framesWritten: 0,
      framesOverwritten: 0,
      framesIncomplete: 0,
      framesRejected: 0,
      bytesWritten: 0,
    });
    pushUntil(writer, 10);
    writer.begin().abandon();
    writer.push(new Uint8Array(1));
    const expected = {
      framesWritten: 10,
      framesOverwritten: 7,
      framesIncomplete: 1,
      framesRejected: 1,
      bytesWritten: 10 * FRAME_BYTES,
    };
    expect(writer.statistics()).toEqual(expected);
    expect(reader.statistics()).toEqual(expected);
  });

  it('P1.8: carry beyond 32 bits', () => {
    const { memory, writer, reader } = makeRing();
    const counters = new BigUint64Array(memory.meta.buffer, 384, 4);
    counters.set([2n ** 32n - 1n, 2n ** 32n - 1n, 2n ** 32n - 2n, 2n ** 33n - 1n]);
    writer.push(picture(1));
    writer.begin().abandon();
    writer.push(new Uint8Array(1));
    expect([...counters]).toEqual([2n ** 32n, 2n ** 32n, 2n ** 32n - 2n + BigInt(FRAME_BYTES), 2n ** 33n]);
    expect(reader.statistics()).toMatchObject({ framesWritten: 2 ** 32, framesRejected: 2 ** 33 });
  });
});

describe('the life of a ring', () => {
  it('accepts nothing after its end, without throwing', () => {
    const { writer, reader } = makeRing();
    pushUntil(writer, 2);
    writer.end('replaced');
    writer.end('ended');
    expect(reader.state).toBe('replaced');
    expect(writer.push(picture(3))).toBe(0);
    expect(writer.begin().bytes).toHaveLength(0);
    expect(writer.begin().publish()).toBe(0);
    expect(writer.newestId).toBe(2);
    expect(writer.statistics()).toMatchObject({ framesWritten: 2, framesRejected: 1, framesIncomplete: 0 });
  });

  it('gives up a frame that is open at the end', () => {
    const { writer } = makeRing();
    const open = writer.begin();
    writer.end('ended');
    expect(open.publish()).toBe(0);
    expect(writer.statistics().framesIncomplete).toBe(1);
  });

  it('shows the heartbeat', () => {
    const { writer, reader } = makeRing();
    expect(reader.heartbeatNs).toBe(0n);
    writer.beat(2n ** 40n + 1n);
    expect(reader.heartbeatNs).toBe(2n ** 40n + 1n);
  });

  it('goes on after the newest frame when another writer takes over', () => {
    const { memory, writer, reader } = makeRing();
    pushUntil(writer, 4);
    writer.begin().bytes.fill(1);
    const successor = new FrameRingWriter(memory);
    expect(successor.push(picture(5))).toBe(5);
    expect(reader.newestId).toBe(5);
    expect(new FrameRingWriter(makeRing({ firstFrameId: 9 }).memory).push(picture(9))).toBe(9);
  });

  it.each(['before W5', 'before W8'])('publishes a frame whose writer stopped %s', (moment) => {
    const { memory, writer, reader } = makeRing();
    pushUntil(writer, 4);
    const current = memory.meta.slice(0, 128);
    pushUntil(writer, 5);
    memory.meta.set(current);
    if (moment === 'before W8') new DataView(memory.meta.buffer).setBigUint64(56, 9n, true);
    expect(reader.newestId).toBe(4);
    const successor = new FrameRingWriter(memory);
    expect(reader.newestId).toBe(5);
    expect(memory.meta.slice(8, 88)).toEqual(memory.meta.slice(512 + 2 * 128 + 8, 512 + 2 * 128 + 88));
    expect(successor.push(picture(6))).toBe(6);
  });

  it('passes ids beyond 32 bits of sequence without a wrong verdict', () => {
    const { writer, reader } = makeRing({ firstFrameId: 2 ** 31 - 3 });
    const into = new Uint8Array(FRAME_BYTES);
    for (let frameId = 2 ** 31 - 3; frameId < 2 ** 31 + 5; frameId++) {
      expect(writer.push(picture(frameId))).toBe(frameId);
      expect(reader.newestId).toBe(frameId);
      expect(reader.copyNext(into, frameId - 1)).toMatchObject({ frame: { frameId }, missed: 0 });
      expect(into).toEqual(picture(frameId));
    }
  });

  it('counts up to the last id that a number can hold', () => {
    const last = Number.MAX_SAFE_INTEGER;
    const { writer, reader } = makeRing({ firstFrameId: last - 1 });
    expect(writer.push(picture(1))).toBe(last - 1);
    expect(writer.push(picture(2))).toBe(last);
    expect(reader.newestId).toBe(last);
    expect(reader.lookAt(() => 0, last - 1)).toMatchObject({ status: 'frame', frame: { frameId: last - 1 } });
  });

  it('survives the loss of its memory', () => {
    const { memory, writer, reader } = makeRing();
    pushUntil(writer, 2);
    const open = writer.begin();
    detach(memory);
    expect(open.publish()).toBe(0);
    open.abandon();
    expect(writer.push(picture(3))).toBe(0);
    expect(writer.begin().bytes).toHaveLength(0);
    writer.beat(1n);
    writer.end('ended');
    expect(writer.newestId).toBe(0);
    expect(writer.statistics().framesWritten).toBe(0);
    expect(reader).toMatchObject({ newestId: 0, state: 'ended', heartbeatNs: 0n });
    expect(reader.copyNewest(new Uint8Array(FRAME_BYTES))).toEqual({ status: 'ended' });
  });
});

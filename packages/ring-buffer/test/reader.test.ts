import { describe, expect, it } from 'vitest';
import { FRAME_BYTES, detach, makeRing, picture, pushUntil, snapshot } from './rings.js';
import { FrameRingReader } from '@vas/ring-buffer';

const into = new Uint8Array(FRAME_BYTES);

describe('taking frames', () => {
  it('P1.5: takes the newest frame, or the newest after one already seen', () => {
    const { writer, reader } = makeRing();
    expect(reader.copyNewest(into)).toEqual({ status: 'nothing-newer' });
    pushUntil(writer, 3);
    expect(reader.copyNewest(into)).toMatchObject({ status: 'frame', frame: { frameId: 3 }, missed: 2 });
    expect(into).toEqual(picture(3));
    expect(reader.copyNewest(into, 2)).toMatchObject({ status: 'frame', frame: { frameId: 3 }, missed: 0 });
    expect(reader.copyNewest(into, 3)).toEqual({ status: 'nothing-newer' });
    expect(reader.copyNewest(into, 4)).toEqual({ status: 'nothing-newer' });
  });

  it('P1.5: takes a given frame, or says that it is gone or not there yet', () => {
    const { writer, reader } = makeRing();
    pushUntil(writer, 5);
    expect(reader.copyAt(into, 4)).toMatchObject({ status: 'frame', frame: { frameId: 4 }, missed: 0 });
    expect(into).toEqual(picture(4));
    expect(reader.copyAt(into, 2)).toEqual({ status: 'overwritten', frameId: 2, missed: 1 });
    expect(reader.copyAt(into, 6)).toEqual({ status: 'nothing-newer' });
  });

  it('P1.5: walks forward frame by frame and knows exactly how many were missed', () => {
    const { writer, reader } = makeRing({ slotCount: 4 });
    let seen = 0;
    let missed = 0;
    let read = 0;
    for (const burst of [1, 3, 4, 5, 1, 9, 2, 40, 1]) {
      pushUntil(writer, writer.newestId + burst);
      for (;;) {
        const result = reader.copyNext(into, seen);
        if (result.status !== 'frame') break;
        expect(into).toEqual(picture(result.frame.frameId));
        expect(result.frame.frameId).toBe(seen + result.missed + 1);
        seen = result.frame.frameId;
        missed += result.missed;
        read++;
      }
    }
    expect(read + missed).toBe(writer.newestId);
    expect(missed).toBe(1 + 5 + 36);
  });

  it('P1.5: counts what was missed from an earlier generation on', () => {
    const { writer, reader } = makeRing({ firstFrameId: 6 });
    pushUntil(writer, 1);
    expect(reader.copyNext(into, 0)).toMatchObject({ frame: { frameId: 6 }, missed: 0 });
    expect(reader.copyNext(into, 3)).toMatchObject({ frame: { frameId: 6 }, missed: 2 });
    expect(reader.copyAt(into, 5)).toMatchObject({ status: 'overwritten', frameId: 5 });
  });

  it('P1.5 P2.19: sends a walking reader that is overtaken on to the newest frame', () => {
    const { writer, reader } = makeRing({ slotCount: 8 });
    pushUntil(writer, 8);
    const tried: number[] = [];
    const result = reader.lookNext((_, { frameId }) => {
      tried.push(frameId);
      pushUntil(writer, writer.newestId + 3);
      return frameId;
    }, 0);
    expect(tried).toEqual([1, 11]);
    expect(result).toMatchObject({ status: 'frame', value: 11, missed: 10 });
  });

  it('P1.4 P2.19: gives up after two looks, and says where to go on', () => {
    const { writer, reader } = makeRing();
    pushUntil(writer, 3);
    let looks = 0;
    const overtake = (): void => {
      looks++;
      pushUntil(writer, writer.newestId + 3);
    };
    const result = reader.lookNewest(overtake);
    expect(looks).toBe(2);
    expect(result).toEqual({ status: 'overwritten', frameId: 6, missed: 6 });
    expect(reader.copyAt(into, 9)).toMatchObject({ frame: { frameId: 9 } });
    expect(reader.lookNext(overtake, 6)).toMatchObject({ status: 'overwritten' });
  });

  it('P1.4: drops what a look saw if the picture changed under it, and copies likewise', () => {
    const { writer, reader } = makeRing();
    pushUntil(writer, 3);
    const look = reader.lookAt((bytes) => {
      writer.begin().bytes.fill(0xee);
      return bytes[0];
    }, 1);
    expect(look).toEqual({ status: 'overwritten', frameId: 1, missed: 1 });
  });

  it('P1.4: keeps what a look saw if only other frames changed', () => {
    const { writer, reader } = makeRing();
    pushUntil(writer, 3);
    const look = reader.lookAt((bytes) => {
      writer.begin().bytes.fill(0xee);
      return bytes[0];
    }, 2);
    expect(look).toMatchObject({ status: 'frame', value: 62, frame: { frameId: 2 } });
  });

  it('describes the frame', () => {
    const { writer, reader } = makeRing({ width: 32, strideBytes: 48 });
    writer.push(picture(1, 48 * 24), {
      timestampNs: 5n,
      wallClockNs: 6n,
      sourceTimestampNs: 7n,
      checksum: 8,
    });
    expect(reader.lookNewest((bytes) => bytes.length)).toEqual({
      status: 'frame',
      missed: 0,
      value: 1152,
      frame: {
        frameId: 1,
        timestampNs: 5n,
        wallClockNs: 6n,
        sourceTimestampNs: 7n,
        checksum: 8,
        width: 32,
        height: 16,
        pixelFormat: 'nv12',
        strideBytes: 48,
        dataSizeBytes: 1152,
        colours: { matrix: null, primaries: null, transfer: null, range: null, chromaSiting: null },
      },
    });
  });

  it('P2.14: says what the colours mean, as far as the writer does', () => {
    const { memory, writer, reader } = makeRing({
      colours: { matrix: 1, primaries: 2, transfer: 13, range: 'full', chromaSiting: 'top-left' },
    });
    const colours = { matrix: 1, primaries: null, transfer: 13, range: 'full', chromaSiting: 'top-left' };
    pushUntil(writer, 1);
    expect(reader.colours).toEqual(colours);
    expect(reader.copyNewest(into)).toMatchObject({ frame: { colours } });
    expect([...memory.meta.subarray(248, 256)]).toEqual([1, 0, 13, 2, 3, 0, 0, 0]);
    for (const colours of [
      { matrix: 256 },
      { transfer: -1 },
      { primaries: 0.5 },
      { range: 'tv' as 'full' },
    ]) {
      expect(() => makeRing({ colours })).toThrow(expect.objectContaining({ code: 'BAD_COLOURS' }));
    }
  });

  it('tells the end only when there is nothing left to read', () => {
    const { writer, reader } = makeRing();
    pushUntil(writer, 2);
    writer.end('ended');
    expect(reader.state).toBe('ended');
    expect(reader.copyNext(into, 0)).toMatchObject({ frame: { frameId: 1 } });
    expect(reader.copyNext(into, 1)).toMatchObject({ frame: { frameId: 2 } });
    expect(reader.copyNext(into, 2)).toEqual({ status: 'ended' });
    expect(reader.copyNewest(into, 2)).toEqual({ status: 'ended' });
    expect(reader.copyAt(into, 3)).toEqual({ status: 'ended' });
  });

  it('does not call a ring ended whose last frame appeared while it asked', () => {
    const { memory, writer, reader } = makeRing();
    pushUntil(writer, 2);
    // The state says ended, and frame 2 was not yet to be seen when the newest frame was asked for.
    const view = new DataView(memory.meta.buffer);
    view.setBigUint64(56, 2n, true);
    const load = Atomics.load.bind(Atomics);
    let loads = 0;
    Atomics.load = ((words: Int32Array, at: number) => {
      if (at === 64) view.setUint32(256, 2, true);
      if (at === 64) view.setBigUint64(56, 4n, true);
      loads++;
      return load(words, at);
    }) as typeof Atomics.load;
    try {
      expect(reader.copyNext(into, 1)).toEqual({ status: 'nothing-newer' });
    } finally {
      Atomics.load = load;
    }
    expect(loads).toBeGreaterThan(0);
    expect(reader.copyNext(into, 1)).toMatchObject({ frame: { frameId: 2 } });
    expect(reader.copyNext(into, 2)).toEqual({ status: 'ended' });
  });

  it('ends when its memory is taken away, even in the middle of a look', () => {
    const { memory, writer, reader } = makeRing();
    pushUntil(writer, 2);
    expect(
      reader.lookNewest(() => {
        detach(memory);
      }),
    ).toEqual({ status: 'ended' });
    expect(reader.lookAt(() => 0, 1)).toEqual({ status: 'ended' });
    expect(reader.statistics().framesWritten).toBe(0);
  });
});

describe('memory of which one range was taken away', () => {
  it.each(['meta', 'data'] as const)(
    'P1.4: has ended for readers and writers, also if it is %s alone',
    (gone) => {
      const { memory, writer, reader } = makeRing();
      pushUntil(writer, 2);
      const { buffer } = memory[gone];
      expect(
        reader.lookNewest(() => {
          structuredClone(buffer, { transfer: [buffer as ArrayBuffer] });
        }),
      ).toEqual({ status: 'ended' });
      expect(reader.lookNewest((bytes) => bytes.length)).toEqual({ status: 'ended' });
      expect(reader.copyNext(into, 0)).toEqual({ status: 'ended' });
      expect(reader.copyAt(into, 2)).toEqual({ status: 'ended' });
      expect(reader.state).toBe('ended');
      expect(writer.push(picture(3))).toBe(0);
      expect(writer.begin().bytes).toHaveLength(0);
      writer.end('ended');
    },
  );
});

describe('readers among themselves', () => {
  it('P1.3: change nothing, whatever they read', () => {
    const { memory, writer } = makeRing();
    pushUntil(writer, 5);
    const before = snapshot(memory);
    const readers = Array.from({ length: 10 }, () => new FrameRingReader(memory));
    for (const reader of readers) {
      for (let id = 1; id <= 7; id++) {
        reader.copyNewest(into, id);
        reader.copyNext(into, id);
        reader.copyAt(into, id);
        reader.lookNewest((bytes) => bytes[0], id);
      }
      reader.statistics();
    }
    expect(snapshot(memory)).toEqual(before);
  });

  it('P1.3: see the same frames, each at its own pace', () => {
    const { memory, writer } = makeRing({ slotCount: 8 });
    const [fast, slow] = [new FrameRingReader(memory), new FrameRingReader(memory)];
    pushUntil(writer, 6);
    expect(fast.copyNext(into, 5)).toMatchObject({ frame: { frameId: 6 } });
    expect(slow.copyNext(into, 0)).toMatchObject({ frame: { frameId: 1 } });
    expect(into).toEqual(picture(1));
  });
});

describe('misuse', () => {
  it('throws with a stable code', () => {
    const { writer, reader } = makeRing();
    pushUntil(writer, 1);
    const small = new Uint8Array(FRAME_BYTES - 1);
    for (const read of [
      () => reader.copyNewest(small),
      () => reader.copyNext(small, 0),
      () => reader.copyAt(small, 1),
    ]) {
      expect(read).toThrow(
        expect.objectContaining({ code: 'DESTINATION_TOO_SMALL', name: 'RingBufferError' }),
      );
    }
    for (const id of [-1, 0.5, NaN, 2 ** 53]) {
      for (const read of [
        () => reader.copyNewest(into, id),
        () => reader.copyNext(into, id),
        () => reader.copyAt(into, id),
      ]) {
        expect(read).toThrow(expect.objectContaining({ code: 'BAD_FRAME_ID' }));
      }
    }
    expect(() => reader.copyAt(into, 0)).toThrow(expect.objectContaining({ code: 'BAD_FRAME_ID' }));
  });

  it('leaves the rest of a larger destination alone', () => {
    const { writer, reader } = makeRing();
    pushUntil(writer, 1);
    const large = new Uint8Array(FRAME_BYTES + 10).fill(0x77);
    reader.copyNewest(large);
    expect(large.subarray(0, FRAME_BYTES)).toEqual(picture(1));
    expect(large.subarray(FRAME_BYTES).every((byte) => byte === 0x77)).toBe(true);
  });
});

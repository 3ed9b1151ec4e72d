import { readFileSync, readdirSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { picture } from './rings.js';
import type { FrameRingMemory, FrameRingOptions, FrameStamp } from '@vas/ring-buffer';
import { FrameRingReader, FrameRingWriter, allocateFrameRing } from '@vas/ring-buffer';

const golden = new URL('../../../rust-shm/protocol/golden/', import.meta.url);

interface GoldenFrame {
  readonly id: number;
  readonly timestamp_ns: string;
  readonly wall_clock_ns: string;
  readonly source_timestamp_ns: string | null;
  readonly checksum: number | null;
  readonly picture_crc32: number;
}

interface GoldenRing {
  readonly epoch: string;
  readonly generation: number;
  readonly first_frame_id: number;
  readonly width: number;
  readonly height: number;
  readonly stride: number;
  readonly slot_count: number;
  readonly state: string;
  readonly heartbeat_ns: string;
  readonly frames_written: number;
  readonly frames_incomplete: number;
  readonly bytes_written: number;
  readonly frames_rejected: number;
  readonly newest_id: number;
  readonly frames: readonly GoldenFrame[];
  readonly overwritten: readonly number[];
  readonly not_yet: readonly number[];
  readonly colours?: {
    readonly matrix: number | null;
    readonly primaries: number | null;
    readonly transfer: number | null;
    readonly range: string | null;
    readonly chroma_siting: string | null;
  };
}

/** What happened in each scenario; the frames of all of them are made by one rule. */
const scenarios: Record<string, (writer: FrameRingWriter) => void> = {
  empty: () => undefined,
  'two-frames': (writer) => {
    publish(writer, 1, 2);
  },
  wrapped: (writer) => {
    publish(writer, 1, 5);
  },
  'mid-write': (writer) => {
    publish(writer, 1, 2);
    writer.begin().bytes.fill(0xee, 0, 100);
  },
  ended: (writer) => {
    publish(writer, 1, 5);
    writer.begin().abandon();
    writer.push(new Uint8Array(1));
    writer.beat(7000n);
    writer.end('ended');
  },
  'next-generation': (writer) => {
    publish(writer, 6, 7);
  },
  colours: (writer) => {
    publish(writer, 1, 2);
  },
};

const shapes: Record<string, Partial<FrameRingOptions>> = {
  'next-generation': { width: 32, strideBytes: 48, generation: 2n, firstFrameId: 6 },
  colours: {
    colours: { matrix: 1, primaries: 9, transfer: 16, range: 'limited', chromaSiting: 'top-left' },
  },
};

function publish(writer: FrameRingWriter, from: number, to: number): void {
  for (let id = from; id <= to; id++) {
    const bytes = picture(id, writer.frameSizeBytes);
    const stamp: FrameStamp = {
      timestampNs: BigInt(id) * 40_000_000n,
      wallClockNs: 1_700_000_000_000_000_000n + BigInt(id) * 40_000_000n,
      ...(id === 5 && { sourceTimestampNs: 12345n, checksum: crc32(bytes) }),
    };
    expect(writer.push(bytes, stamp)).toBe(id);
  }
}

function load(scenario: string): { memory: FrameRingMemory; expected: GoldenRing } {
  const bytes = (suffix: string): Uint8Array =>
    new Uint8Array(readFileSync(new URL(scenario + suffix, golden)));
  const json = readFileSync(new URL(`${scenario}.json`, golden), 'utf8');
  return { memory: { meta: bytes('.meta'), data: bytes('.data') }, expected: JSON.parse(json) as GoldenRing };
}

describe('the golden rings', () => {
  it('are all covered here', () => {
    const files = readdirSync(golden).filter((name) => name.endsWith('.json'));
    expect(files.map((name) => name.replace('.json', '')).sort()).toEqual(Object.keys(scenarios).sort());
  });

  it.each(Object.keys(scenarios))('P2.10: %s is reproduced byte for byte', (scenario) => {
    const written = allocateFrameRing({
      width: 16,
      height: 16,
      slotCount: 3,
      epoch: Uint8Array.from({ length: 16 }, (_, i) => i),
      createdNs: 1000n,
      createdWallNs: 2000n,
      ...shapes[scenario],
    });
    scenarios[scenario]?.(new FrameRingWriter(written));
    const { memory } = load(scenario);
    expect(Buffer.from(written.meta).toString('hex')).toBe(Buffer.from(memory.meta).toString('hex'));
    expect(Buffer.from(written.data).equals(Buffer.from(memory.data))).toBe(true);
  });

  it.each(Object.keys(scenarios))('P2.10: %s is read as it was written', (scenario) => {
    const { memory, expected } = load(scenario);
    const reader = new FrameRingReader(memory);
    expect(reader).toMatchObject({
      epoch: expected.epoch,
      generation: BigInt(expected.generation),
      firstFrameId: expected.first_frame_id,
      geometry: { width: expected.width, height: expected.height, strideBytes: expected.stride },
      slotCount: expected.slot_count,
      state: expected.state,
      heartbeatNs: BigInt(expected.heartbeat_ns),
      newestId: expected.newest_id,
      colours: {
        matrix: expected.colours?.matrix ?? null,
        primaries: expected.colours?.primaries ?? null,
        transfer: expected.colours?.transfer ?? null,
        range: expected.colours?.range ?? null,
        chromaSiting: expected.colours?.chroma_siting ?? null,
      },
    });
    expect(reader.statistics()).toMatchObject({
      framesWritten: expected.frames_written,
      framesIncomplete: expected.frames_incomplete,
      framesRejected: expected.frames_rejected,
      bytesWritten: expected.bytes_written,
    });
    const into = new Uint8Array(reader.frameSizeBytes);
    for (const frame of expected.frames) {
      expect(reader.copyAt(into, frame.id)).toMatchObject({
        status: 'frame',
        frame: {
          frameId: frame.id,
          timestampNs: BigInt(frame.timestamp_ns),
          wallClockNs: BigInt(frame.wall_clock_ns),
          sourceTimestampNs: frame.source_timestamp_ns === null ? null : BigInt(frame.source_timestamp_ns),
          checksum: frame.checksum,
        },
      });
      expect(crc32(into)).toBe(frame.picture_crc32);
    }
    for (const id of expected.overwritten) expect(reader.copyAt(into, id).status).toBe('overwritten');
    for (const id of expected.not_yet) {
      expect(reader.copyAt(into, id).status).toBe(
        expected.state === 'live' ? 'nothing-newer' : expected.state,
      );
    }
  });
});

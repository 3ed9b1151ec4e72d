import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TestRing } from './rings.js';
import { FRAME_BYTES, makeRing, picture } from './rings.js';
import type { FrameRead, NoFrame, OpenFrame } from '@vas/ring-buffer';
import { FrameRingReader } from '@vas/ring-buffer';

/** The ring as a plain array: everything that was ever published, and what is going on. */
interface Model {
  readonly slotCount: number;
  readonly firstId: number;
  /** Seeds of the published pictures; the first is that of `firstId`. */
  readonly published: number[];
  /** Seed of the picture that is being written in place. */
  open: number | null;
  /** The slot of the next frame was opened since the newest was published, so that its frame is lost. */
  isOldestLost: boolean;
  state: 'live' | 'ended' | 'replaced';
  incomplete: number;
  rejected: number;
}

interface Ring extends TestRing {
  /** What the last `begin` gave. */
  open: OpenFrame | null;
}

type Command = fc.Command<Model, Ring>;

function newestId({ firstId, published }: Model): number {
  return published.length === 0 ? 0 : firstId + published.length - 1;
}

/** Ids that can be read, oldest first. */
function available(model: Model): number[] {
  const ids = model.published.map((_, index) => model.firstId + index);
  return ids.slice(-(model.slotCount - (model.isOldestLost ? 1 : 0)));
}

function seedOf(model: Model, frameId: number): number {
  return model.published[frameId - model.firstId] ?? NaN;
}

function nothing(model: Model): NoFrame {
  return { status: model.state === 'live' ? 'nothing-newer' : model.state };
}

function publish(model: Model, seed: number): number {
  model.published.push(seed);
  model.isOldestLost = false;
  return newestId(model);
}

function giveUp(model: Model): void {
  if (model.open === null) return;
  model.open = null;
  model.incomplete++;
}

function begin(model: Model): void {
  giveUp(model);
  model.isOldestLost = true;
}

function command(name: string, run: (model: Model, ring: Ring) => void): Command {
  return { check: () => true, run, toString: () => name };
}

/** A picture cut into chunks, some of them empty. */
function cut(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const edges = [0, ...cuts.map((at) => at % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return edges.slice(1).map((edge, i) => bytes.subarray(edges[i], edge));
}

const seeds = fc.integer({ min: 0, max: 255 });

const push = fc.tuple(seeds, fc.array(fc.nat(), { maxLength: 4 })).map(([seed, cuts]) =>
  command(`push(${seed}, [${cuts.join()}])`, (model, { writer }) => {
    let expected = 0;
    if (model.state === 'live') {
      begin(model);
      expected = publish(model, seed);
    } else {
      model.rejected++;
    }
    const whole = picture(seed);
    expect(writer.push(cuts.length === 0 ? whole : cut(whole, cuts))).toBe(expected);
  }),
);

const pushWrongSize = fc.nat({ max: 2 * FRAME_BYTES }).map((size) =>
  command(`pushWrongSize(${size})`, (model, { writer }) => {
    model.rejected++;
    expect(writer.push(new Uint8Array(size === FRAME_BYTES ? 0 : size))).toBe(0);
  }),
);

const beginInPlace = seeds.map((seed) =>
  command(`begin(${seed})`, (model, ring) => {
    ring.open = ring.writer.begin();
    const { bytes } = ring.open;
    if (model.state !== 'live') {
      expect(bytes).toHaveLength(0);
      return;
    }
    begin(model);
    model.open = seed;
    bytes.set(picture(seed));
  }),
);

/** Also when there is nothing to finish. */
const finish = fc.boolean().map((isPublished) =>
  command(isPublished ? 'publish' : 'abandon', (model, { open }) => {
    if (isPublished) {
      const expected = model.open === null ? 0 : publish(model, model.open);
      model.open = null;
      expect(open?.publish() ?? 0).toBe(expected);
    } else {
      giveUp(model);
      open?.abandon();
    }
  }),
);

const end = fc.constantFrom('ended' as const, 'replaced' as const).map((state): Command => ({
  // Late, so that most sequences have a life before it.
  check: ({ published }) => published.length >= 10,
  run: (model, { writer }) => {
    giveUp(model);
    if (model.state === 'live') model.state = state;
    writer.end(state);
  },
  toString: () => `end(${state})`,
}));

type Way = 'Newest' | 'Next' | 'At';

interface Taken {
  readonly status: 'frame';
  readonly frameId: number;
  readonly missed: number;
}

function outcome(read: FrameRead): NoFrame | Taken {
  if (read.status !== 'frame') return read;
  return { status: 'frame', frameId: read.frame.frameId, missed: read.missed };
}

function expectedRead(model: Model, way: Way, id: number): NoFrame | Taken {
  const newest = newestId(model);
  if (way === 'At') {
    if (id > newest) return nothing(model);
    if (!available(model).includes(id)) return { status: 'overwritten', frameId: id, missed: 1 };
    return { status: 'frame', frameId: id, missed: 0 };
  }
  const seen = id === 0 ? model.firstId - 1 : id;
  if (newest <= seen) return nothing(model);
  const candidates = available(model).filter((candidate) => candidate > seen);
  const frameId = way === 'Newest' ? newest : (candidates[0] ?? NaN);
  return { status: 'frame', frameId, missed: frameId - seen - 1 };
}

const read = fc
  .record({
    way: fc.constantFrom<Way>('Newest', 'Next', 'At'),
    isCopy: fc.boolean(),
    isNewReader: fc.boolean(),
    /** How far before the newest frame, so that ids of all kinds come up. */
    age: fc.integer({ min: -3, max: 12 }),
    isFromStart: fc.boolean(),
  })
  .map(({ way, isCopy, isNewReader, age, isFromStart }) =>
    command(
      `${isCopy ? 'copy' : 'look'}${way}(newest - ${age}${isFromStart ? ' or 0' : ''})`,
      (model, ring) => {
        const reader = isNewReader ? new FrameRingReader(ring.memory) : ring.reader;
        const lowest = way === 'At' ? 1 : 0;
        const id = isFromStart ? lowest : Math.max(lowest, newestId(model) - age);
        const into = new Uint8Array(FRAME_BYTES);
        const result = isCopy
          ? reader[`copy${way}`](into, id)
          : reader[`look${way}`]((bytes) => {
              into.set(bytes);
            }, id);
        expect(outcome(result)).toEqual(expectedRead(model, way, id));
        if (result.status === 'frame') expect(into).toEqual(picture(seedOf(model, result.frame.frameId)));
      },
    ),
  );

const observe = fc.constant(
  command('observe', (model, { writer, reader }) => {
    const framesWritten = model.published.length;
    const expected = {
      framesWritten,
      framesOverwritten: Math.max(0, framesWritten - model.slotCount),
      framesIncomplete: model.incomplete,
      framesRejected: model.rejected,
      bytesWritten: framesWritten * FRAME_BYTES,
    };
    expect(writer.statistics()).toEqual(expected);
    expect(reader.statistics()).toEqual(expected);
    expect(writer.newestId).toBe(newestId(model));
    expect(reader.newestId).toBe(newestId(model));
    expect(reader.state).toBe(model.state);
  }),
);

describe('a ring under random operations', () => {
  it('P1.1 P1.2 P1.5 P1.6 P1.7 P1.8: is what a plain array says it is', () => {
    const commands = fc.commands(
      [push, push, push, pushWrongSize, beginInPlace, finish, read, read, read, observe, end],
      { maxCommands: 120 },
    );
    const shape = fc.record({
      slotCount: fc.integer({ min: 3, max: 9 }),
      firstId: fc.constantFrom(1, 2, 77, 2 ** 31 - 5, 2 ** 32 - 3, 2 ** 40),
    });
    fc.assert(
      fc.property(shape, commands, ({ slotCount, firstId }, sequence) => {
        fc.modelRun(() => {
          const ring = makeRing({ slotCount, firstFrameId: firstId });
          const model: Model = {
            slotCount,
            firstId,
            published: [],
            open: null,
            isOldestLost: false,
            state: 'live',
            incomplete: 0,
            rejected: 0,
          };
          return { model, real: { ...ring, open: null } };
        }, sequence);
      }),
      { numRuns: 300 },
    );
  });
});

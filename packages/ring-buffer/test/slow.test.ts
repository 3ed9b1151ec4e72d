/** Slow readers, in model time: the writer publishes at a steady pace, and a look takes as long as it is told to. */
import type { FrameLook, FrameRingReader } from '@vas/ring-buffer';
import { describe, expect, it } from 'vitest';
import { makeRing, picture } from './rings.js';

/** Time is counted in thousandths of the interval between two frames. */
const INTERVAL = 1000;
/** How long each reader reads for. */
const RUN = 1000 * INTERVAL;

type Call = (reader: FrameRingReader, look: () => void, seen: number) => FrameLook<void>;

const calls: readonly (readonly [string, Call])[] = [
  ['lookNewest', (reader, look, seen) => reader.lookNewest(look, seen)],
  ['lookNext', (reader, look, seen) => reader.lookNext(look, seen)],
];

interface Told {
  readonly delivered: number;
  readonly missed: number;
  readonly newest: number;
  readonly looksInOneCall: number;
}

/** A reader at work beside a writer that has published every frame whose time has come, and opened the next slot. */
function read(slotCount: number, lookTime: number, call: Call): Told {
  const { writer, reader } = makeRing({ slotCount });
  const frame = picture(0);
  let now = 0;
  const advance = (time: number): void => {
    now += time;
    while ((writer.newestId + 1) * INTERVAL <= now) {
      writer.push(frame);
      writer.begin();
    }
  };
  let [delivered, missed, newest, looksInOneCall] = [0, 0, 0, 0];
  while (now < RUN) {
    let looks = 0;
    const result = call(
      reader,
      () => {
        looks++;
        advance(lookTime);
      },
      newest,
    );
    looksInOneCall = Math.max(looksInOneCall, looks);
    if (result.status === 'frame') {
      delivered++;
      missed += result.missed;
      newest = result.frame.frameId;
    } else if (result.status === 'nothing-newer') {
      advance(INTERVAL - (now % INTERVAL));
    } else {
      expect(result.status).toBe('overwritten');
    }
  }
  return { delivered, missed, newest, looksInOneCall };
}

describe.each(calls)('a slow reader by %s', (_, call) => {
  it.each([3, 4, 5, 6, 7, 8])(
    'P2.19: gets what there is time for, up to the documented length of a look, of %d slots',
    (slotCount) => {
      for (let look = 50; look <= (slotCount - 2) * INTERVAL; look += 50) {
        const told = read(slotCount, look, call);
        const thereIsTimeFor = RUN / Math.max(look, INTERVAL);
        expect(told.delivered, `looks of ${look}`).toBeGreaterThanOrEqual(thereIsTimeFor * 0.95);
        expect(told.looksInOneCall).toBeLessThanOrEqual(2);
        expect(told.delivered + told.missed).toBe(told.newest);
      }
    },
  );

  it.each([3, 4, 8])('P2.19: is told after two looks that it is too slow, of %d slots', (slotCount) => {
    expect(read(slotCount, (slotCount + 1) * INTERVAL, call)).toMatchObject({
      delivered: 0,
      looksInOneCall: 2,
    });
  });
});

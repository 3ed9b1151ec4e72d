import { expect, it } from 'vitest';
import { presentedBetween } from '../src/viewer/presented.js';
import type { PresentedFrame } from '../src/viewer/viewer-requests.js';

function framesAt(...times: readonly number[]): PresentedFrame[] {
  return times.map((presentedMs) => ({ presentedMs, receivedMs: presentedMs - 5 }));
}

it('measures the time between two presented pictures', () => {
  const { longestGapMs, gaps, frames, framesPerSecond } = presentedBetween(
    'cam',
    framesAt(1_040, 1_080, 1_330, 1_370),
    1_000,
    1_400,
  );
  expect({ longestGapMs, gaps, frames, framesPerSecond }).toEqual({
    longestGapMs: 250,
    gaps: [{ atMs: 80, ms: 250 }],
    frames: 4,
    framesPerSecond: 10,
  });
});

it('counts the pause that is still open: a picture that never comes back is no short one', () => {
  expect(presentedBetween('cam', framesAt(1_040, 1_080), 1_000, 9_000).longestGapMs).toBe(7_920);
  expect(presentedBetween('cam', [], 1_000, 9_000).longestGapMs).toBe(8_000);
});

it('keeps every interval, from the beginning to the end', () => {
  expect(presentedBetween('cam', framesAt(1_040, 1_080), 1_000, 1_100).intervals).toEqual([
    { atMs: 0, ms: 40 },
    { atMs: 40, ms: 40 },
    { atMs: 80, ms: 20 },
  ]);
});

it('leaves out what was presented before the measurement', () => {
  const { frames, per100Ms } = presentedBetween('cam', framesAt(900, 960, 1_010, 1_150), 1_000, 1_200);
  expect({ frames, per100Ms }).toEqual({ frames: 2, per100Ms: [1, 1] });
});

it('tells a picture that came late from one that was drawn late', () => {
  const drawnLate = [
    { presentedMs: 1_040, receivedMs: 1_020 },
    { presentedMs: 1_400, receivedMs: 1_060 },
    { presentedMs: 1_410, receivedMs: 1_100 },
  ];
  expect(presentedBetween('cam', drawnLate, 1_000, 1_420)).toMatchObject({
    longestGapMs: 360,
    longestDeliveryGapMs: 320,
  });
});

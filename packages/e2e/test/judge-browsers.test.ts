import { expect, it } from 'vitest';
import type { BrowserResult, Case, ViewerResult } from '../src/run/case.js';
import { Checks } from '../src/run/check.js';
import type { Limits } from '../src/run/limits.js';
import { judgeBrowsers } from '../src/run/run-case.js';
import { presentedBetween } from '../src/viewer/presented.js';

const limits: Limits = { longestGapMs: 200, packetsPerSecond: 250, longestPresentedGapMs: 200 };
const plain: Case = { name: 'case', title: 'A case', requirements: [], isShort: true };

/** A viewer of twelve seconds at 25 pictures per second, without those between these times. */
function seenWithout(fromMs = 0, untilMs = 0): BrowserResult {
  const times = Array.from({ length: 300 }, (_, index) => index * 40).filter(
    (ms) => ms <= fromMs || ms >= untilMs,
  );
  const presented = presentedBetween(
    'cam-1',
    times.map((ms) => ({ presentedMs: ms, receivedMs: ms })),
    0,
    12_000,
  );
  return { ...presented, longestOwnGapMs: presented.longestGapMs };
}

function packets({ longestGapMs = 40, setBack = 0 } = {}): ViewerResult {
  return {
    cameraId: 'cam-1',
    longestOwnGapMs: 40,
    port: 1,
    packets: 3_000,
    packetsPerSecond: 250,
    bytes: 1,
    lost: 0,
    late: 0,
    restarts: setBack,
    setBack,
    longestGapMs,
    gaps: [],
    per100Ms: [],
  };
}

function untrue(testCase: Case, browser: BrowserResult, viewer: ViewerResult): string[] {
  const checks = new Checks();
  judgeBrowsers(testCase, [browser], [viewer], checks, limits);
  return checks.all.flatMap(({ isTrue, statement }) => (isTrue ? [] : [statement]));
}

it('S6 finds nothing wrong with pictures that keep coming', () => {
  expect(untrue(plain, seenWithout(), packets())).toEqual([]);
});

it('S6 finds a picture that stands for longer than the limit', () => {
  expect(untrue(plain, seenWithout(3_000, 3_400), packets())).toEqual([
    expect.stringContaining('in no browser the picture stands'),
  ]);
});

it('S6 finds a picture that never comes back', () => {
  expect(untrue(plain, seenWithout(8_000, 13_000), packets())).toContainEqual(
    expect.stringContaining('moving pictures in the end'),
  );
});

it('S6 lets the picture of an interrupted camera come back 3 s later only where time stamps went back', () => {
  const late = { ...seenWithout(3_000, 9_000), longestOwnGapMs: 100 };
  const forward = packets({ longestGapMs: 3_200 });
  const back = packets({ longestGapMs: 3_200, setBack: 1 });
  expect(untrue(plain, late, back)).toEqual([]);
  expect(untrue(plain, late, forward)).toEqual([expect.stringContaining('comes back with its packets')]);
  expect(untrue({ ...plain, isConsumedAnew: true }, late, back)).toEqual([
    expect.stringContaining('comes back with its packets'),
  ]);
  const later = { ...seenWithout(3_000, 11_500), longestOwnGapMs: 100 };
  expect(untrue(plain, later, back)).toEqual([expect.stringContaining('time stamps went back')]);
});

it('S6 asks of a control that the picture stands, for long enough and above the limit', () => {
  const control = { ...plain, controlGapMs: 400 };
  expect(untrue(control, seenWithout(3_000, 3_500), packets())).toEqual([]);
  expect(untrue(control, seenWithout(), packets())).toEqual([expect.stringContaining('as a control')]);
  expect(untrue({ ...control, controlGapMs: 100 }, seenWithout(3_000, 3_160), packets())).toEqual([
    expect.stringContaining('above the limit'),
  ]);
});

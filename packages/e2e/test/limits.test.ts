import { expect, it } from 'vitest';
import type { BrowserResult, CaseResult, ViewerResult } from '../src/run/case.js';
import { GAP_FLOOR_MS, limitsFrom, widened } from '../src/run/limits.js';

/** A case in which one camera stood for 3.5 s because the case interrupted it. */
function resultOf(ownGapMs: number): CaseResult {
  const viewers = [
    { longestGapMs: ownGapMs, longestOwnGapMs: ownGapMs, packetsPerSecond: 250 },
    { longestGapMs: 3_500, longestOwnGapMs: 100, packetsPerSecond: 210 },
  ] as unknown as ViewerResult[];
  return { viewers, browsers: viewers as unknown as BrowserResult[] } as unknown as CaseResult;
}

it('S6 takes no limit from a pause that a case without a tap makes itself', () => {
  const own = limitsFrom(resultOf(80));
  expect(own.longestGapMs).toBe(GAP_FLOOR_MS);
  expect(own.longestPresentedGapMs).toBe(GAP_FLOOR_MS);
  expect(widened(own, resultOf(80))).toMatchObject({ longestGapMs: 200, longestPresentedGapMs: 200 });
});

it('S6 widens a limit to twice what a full machine does without a tap, and to no more', () => {
  const own = limitsFrom(resultOf(40));
  expect(widened(own, resultOf(130))).toMatchObject({ longestGapMs: 260, longestPresentedGapMs: 260 });
});

import { expect, it } from 'vitest';
import { plotSvg } from '../src/report/plot.js';

it('draws an interval as wide as it is long, and cuts off its height', () => {
  const svg = plotSvg('a case', [
    {
      kind: 'intervals',
      title: 'pictures',
      intervals: [
        { atMs: 0, ms: 125 },
        { atMs: 125, ms: 875 },
      ],
      marks: [],
    },
  ]);
  // 828 wide and 110 high; the first is an eighth of the time and half of the highest shown.
  expect(svg).toContain('v-55h103.5v55');
  expect(svg).toContain('v-110h724.5v110');
});

it('draws packets to the scale of what is usual', () => {
  const svg = plotSvg('a case', [
    { kind: 'packets', title: 'packets', per100Ms: [10, 10, 10, 10, 10, 10, 500, 500, 500, 5], marks: [] },
  ]);
  expect(svg).toContain('v-110h82.8v110');
  expect(svg).toContain('v-55h82.8v55');
});

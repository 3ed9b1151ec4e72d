/** What the report says of a run. */
import { describe, expect, it } from 'vitest';
import { barChartSvg } from '../src/bars.js';
import { peers } from '../src/peers.js';
import { summary } from '../src/phases.js';
import type { PeerResult } from '../src/phases.js';
import { betterThanOurs, markdown, plots } from '../src/report.js';

const times = { p50: 100, p99: 200 };
const ours: PeerResult = {
  name: 'vas-rust',
  floorUs: times,
  paced: {
    value: {
      publishUs: times,
      latencyUs: times,
      cpuUs: { writer: 100, reader: 100, broker: 0 },
      delivered: 1,
    },
  },
  crowded: { value: { publishUs: times, latencyUs: times, delivered: 1 } },
  stopped: { value: { longestPublishMs: 1, errors: 0, othersDelivered: 1 } },
  killed: { value: { longestPublishMs: 1, errors: 0, othersDelivered: 1 } },
  slow: { value: { frames: 20, possible: 21, ageMs: 1, longestPublishMs: 1 } },
  raced: { value: { published: 100, read: 50, torn: 0, refused: 2 } },
  writerKilled: {
    value: { leftFiles: 0, leftBytes: 0, restartFailure: null, stillLeftFiles: 0, stillLeftBytes: 0 },
  },
  full: { value: 'refused at the start: no space' },
};

describe('the report', () => {
  it('names what a peer does better, and nothing that differs by less than 5 %', () => {
    const peer: PeerResult = {
      ...ours,
      name: 'iceoryx2',
      paced: {
        value: {
          publishUs: { p50: 96, p99: 200 },
          latencyUs: { p50: 80, p99: 200 },
          cpuUs: { writer: 100, reader: 100, broker: 0 },
          delivered: 1,
        },
      },
      slow: { value: { frames: 60, possible: 24, ageMs: 1, longestPublishMs: 1 } },
      stopped: { failure: 'nobody publishes' },
    };
    expect(betterThanOurs([ours, peer])).toEqual([
      '**iceoryx2**: latency, median 80.0 us against 100 us; frames of a slow reader 24 against 20.',
    ]);
    expect(betterThanOurs([ours])).toEqual([]);
  });

  it('has a row for each peer that took part and a reason for each that did not', () => {
    const page = markdown({
      commit: 'abc',
      begunAt: '2026-01-01 00:00',
      seconds: 1,
      machine: { processors: '2 x any', kernel: '6', node: '20' },
      versions: {},
      isQuick: true,
      results: [ours],
      missing: [{ name: 'Redis', reason: 'no such package' }],
    });
    expect(page.match(/^\| this project, Rust \|/gm)).toHaveLength(3);
    expect(page).toContain('- Redis: no such package');
    expect(page).toContain('Its figures mean nothing');
    const widths = page
      .split('\n\n')
      .filter((part) => part.startsWith('|'))
      .map((part) => new Set(part.split('\n').map((row) => row.split(' | ').length)).size);
    expect(widths, 'all rows of a table are as wide').toEqual([1, 1, 1]);
  });

  it('draws one bar per value that there is', () => {
    const svg = barChartSvg({
      title: 'a < b',
      legend: ['median', 'p99'],
      format: (value) => `${value}`,
      bars: [
        { label: 'one', values: [10, 200], isOurs: true },
        { label: 'other', values: [50, NaN], isOurs: false },
      ],
    });
    expect(svg.match(/<rect x="250"/g)).toHaveLength(3);
    expect(svg).toContain('a &lt; b');
    expect(Object.keys(plots({ results: [ours] } as never))).toHaveLength(4);
  });

  it('takes percentiles of unsorted values', () => {
    expect(summary([5, 1, 9])).toEqual({ p50: 5, p99: 5 });
  });
});

describe('the peers', () => {
  it('are each compared with this project', () => {
    const oursByName = peers.filter(({ isOurs }) => isOurs).map(({ name }) => name);
    expect(peers.filter(({ comparedWith }) => !oursByName.includes(comparedWith))).toEqual([]);
  });
});

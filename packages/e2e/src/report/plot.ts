/** Draws packets and intervals between pictures over time, one panel above the other, with what happened marked. */
import type { Mark } from '../run/stage.js';
import type { Gap } from '../viewer/rtp-counter.js';

interface Drawn {
  readonly title: string;
  readonly marks: readonly Mark[];
}

export type Panel =
  | (Drawn & { readonly kind: 'packets'; readonly per100Ms: readonly number[] })
  /** Each interval is a block as wide and as high as it is long. */
  | (Drawn & { readonly kind: 'intervals'; readonly intervals: readonly Gap[] });

const WIDTH = 900;
const LEFT = 56;
const RIGHT = 16;
const PANEL_HEIGHT = 110;
const PANEL_GAP = 46;
const TOP = 44;
const PLOT_WIDTH = WIDTH - LEFT - RIGHT;

export function plotSvg(title: string, panels: readonly Panel[]): string {
  const height = TOP + panels.length * (PANEL_HEIGHT + PANEL_GAP) + 14;
  const seconds = Math.max(0.1, ...panels.map(secondsOf));
  const most = Math.max(
    1,
    ...panels.flatMap((panel) => (panel.kind === 'packets' ? usual(panel.per100Ms) : [])),
  );
  const drawn = panels.map((panel, index) =>
    drawPanel(panel, TOP + 18 + index * (PANEL_HEIGHT + PANEL_GAP), seconds, most),
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12">`,
    `<title>${escape(title)}</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="white"/>`,
    `<text x="${LEFT}" y="20" font-size="14" font-weight="bold">${escape(title)}</text>`,
    ...drawn,
    '</svg>',
    '',
  ].join('\n');
}

/** What is longer is cut off: how long it was is told by its width. */
const LONGEST_SHOWN_MS = 250;

function secondsOf(panel: Panel): number {
  if (panel.kind === 'packets') return panel.per100Ms.length / 10;
  const last = panel.intervals.at(-1);
  return last === undefined ? 0 : (last.atMs + last.ms) / 1000;
}

/** What arrives in one bucket after a pause can be many times the usual; the scale is that of the usual. */
function usual(per100Ms: readonly number[]): readonly number[] {
  return [...per100Ms].sort((a, b) => a - b).slice(0, -3);
}

function drawPanel(panel: Panel, y: number, seconds: number, mostPackets: number): string {
  const { title, marks } = panel;
  const base = y + PANEL_HEIGHT;
  const most = panel.kind === 'packets' ? mostPackets : LONGEST_SHOWN_MS;
  const xOf = (ms: number): number => LEFT + (ms / 1000 / seconds) * PLOT_WIDTH;
  const block = (atMs: number, ms: number, value: number): string => {
    const height = (Math.min(value, most) / most) * PANEL_HEIGHT;
    const blockWidth = xOf(ms) - LEFT;
    return `M${round(xOf(atMs))} ${base}v${round(-height)}h${round(blockWidth)}v${round(height)}`;
  };
  const blocks =
    panel.kind === 'packets'
      ? panel.per100Ms.map((packets, index) => block(index * 100, 100, packets))
      : panel.intervals.map(({ atMs, ms }) => block(atMs, ms, ms));
  const ticks = Array.from({ length: Math.floor(seconds / 2) + 1 }, (_, index) => index * 2);
  return [
    `<text x="${LEFT}" y="${y - 6}">${escape(title)}</text>`,
    `<path d="${blocks.join('')}" fill="${panel.kind === 'packets' ? '#3b6ea5' : '#5a8f5a'}"/>`,
    `<path d="M${LEFT} ${y}V${base}H${WIDTH - RIGHT}" fill="none" stroke="#444"/>`,
    `<text x="${LEFT - 6}" y="${y + 10}" text-anchor="end">${most}${panel.kind === 'packets' ? '' : ' ms'}</text>`,
    `<text x="${LEFT - 6}" y="${base}" text-anchor="end">0</text>`,
    ...ticks.map((second) => {
      return `<text x="${round(xOf(second * 1000))}" y="${base + 14}" text-anchor="middle" fill="#444">${second} s</text>`;
    }),
    ...marks.map(({ label, atMs }, index) => {
      const x = round(xOf(atMs));
      const textY = y + 12 + (index % 4) * 14;
      return (
        `<path d="M${x} ${y}V${base}" stroke="#c0392b" stroke-dasharray="4 3"/>` +
        `<text x="${x + 4}" y="${textY}" fill="#c0392b" stroke="white" stroke-width="3" paint-order="stroke">${escape(label)}</text>`
      );
    }),
  ].join('\n');
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

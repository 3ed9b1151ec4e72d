/** Draws packets per 100 ms over time, one panel above the other, with what happened marked. */
import type { Mark } from '../run/stage.js';

export interface Panel {
  readonly title: string;
  /** Panels of one unit are drawn to one scale. */
  readonly unit: 'packets' | 'pictures';
  readonly per100Ms: readonly number[];
  readonly marks: readonly Mark[];
}

const width = 900;
const left = 56;
const right = 16;
const panelHeight = 110;
const panelGap = 46;
const top = 44;
const plotWidth = width - left - right;

export function plotSvg(title: string, panels: readonly Panel[]): string {
  const height = top + panels.length * (panelHeight + panelGap) + 14;
  const buckets = Math.max(1, ...panels.map(({ per100Ms }) => per100Ms.length));
  const most = (unit: Panel['unit']): number =>
    Math.max(
      1,
      ...panels
        .filter((panel) => panel.unit === unit)
        .flatMap(({ per100Ms }) => [...per100Ms].sort((a, b) => a - b).slice(0, -3)),
    );
  const drawn = panels.map((panel, index) =>
    drawPanel(panel, top + 18 + index * (panelHeight + panelGap), buckets, most(panel.unit)),
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    `<title>${escape(title)}</title>`,
    `<rect width="${width}" height="${height}" fill="white"/>`,
    `<text x="${left}" y="20" font-size="14" font-weight="bold">${escape(title)}</text>`,
    ...drawn,
    '</svg>',
    '',
  ].join('\n');
}

function drawPanel({ title, per100Ms, marks }: Panel, y: number, buckets: number, most: number): string {
  const bucketWidth = plotWidth / buckets;
  const base = y + panelHeight;
  // What arrives in one bucket after a pause can be many times the usual; the scale is that of the usual.
  const heightOf = (packets: number): number => (Math.min(packets, most) / most) * panelHeight;
  const bars = per100Ms
    .map((packets, index) => {
      const barHeight = heightOf(packets);
      return `M${round(left + index * bucketWidth)} ${base}v${round(-barHeight)}h${round(bucketWidth)}v${round(barHeight)}`;
    })
    .join('');
  const seconds = Array.from({ length: Math.floor(buckets / 20) + 1 }, (_, index) => index * 2);
  return [
    `<text x="${left}" y="${y - 6}">${escape(title)}</text>`,
    `<path d="${bars}" fill="#3b6ea5"/>`,
    `<path d="M${left} ${y}V${base}H${width - right}" fill="none" stroke="#444"/>`,
    `<text x="${left - 6}" y="${y + 10}" text-anchor="end">${most}</text>`,
    `<text x="${left - 6}" y="${base}" text-anchor="end">0</text>`,
    ...seconds.map((second) => {
      const x = round(left + second * 10 * bucketWidth);
      return `<text x="${x}" y="${base + 14}" text-anchor="middle" fill="#444">${second} s</text>`;
    }),
    ...marks.map(({ label, atMs }, index) => {
      const x = round(left + (atMs / 100) * bucketWidth);
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

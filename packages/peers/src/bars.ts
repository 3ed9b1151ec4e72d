/** Draws bars beside their names, on a logarithmic scale, as SVG text. */

export interface Bar {
  readonly label: string;
  /** One bar below the other, in the colours of the legend; NaN leaves a bar out. */
  readonly values: readonly number[];
  readonly isOurs: boolean;
}

export interface BarChart {
  readonly title: string;
  readonly legend: readonly string[];
  /** How a value is written beside its bar. */
  readonly format: (value: number) => string;
  readonly bars: readonly Bar[];
}

const WIDTH = 900;
const LEFT = 250;
const RIGHT = 90;
const TOP = 60;
const THICKNESS = 12;
const GAP = 10;
const COLOURS = { ours: ['#1f6f43', '#8cc5a3'], others: ['#3b6ea5', '#a9c4e0'] } as const;

export function barChartSvg({ title, legend, format, bars }: BarChart): string {
  const all = bars.flatMap(({ values }) => values).filter((value) => value > 0);
  const least = 10 ** Math.floor(Math.log10(Math.min(...all)));
  const most = 10 ** Math.ceil(Math.log10(Math.max(...all) * 1.0001));
  const widthOf = (value: number): number =>
    (Math.log10(value / least) / Math.log10(most / least)) * (WIDTH - LEFT - RIGHT);
  const rowHeight = legend.length * THICKNESS + GAP;
  const height = TOP + bars.length * rowHeight + 24;
  const decades = Array.from(
    { length: Math.round(Math.log10(most / least)) + 1 },
    (_, power) => least * 10 ** power,
  );
  const grid = decades.map((value) => {
    const x = round(LEFT + widthOf(value));
    return (
      `<path d="M${x} ${TOP - 6}V${height - 22}" stroke="#ddd"/>` +
      `<text x="${x}" y="${height - 8}" text-anchor="middle" fill="#444">${escape(format(value))}</text>`
    );
  });
  const rows = bars.flatMap(({ label, values, isOurs }, row) => {
    const y = TOP + row * rowHeight;
    const colours = isOurs ? COLOURS.ours : COLOURS.others;
    return [
      `<text x="${LEFT - 8}" y="${y + rowHeight / 2}" text-anchor="end"${isOurs ? ' font-weight="bold"' : ''}>${escape(label)}</text>`,
      ...values.map((value, index) => {
        const barY = y + index * THICKNESS;
        if (!(value > 0)) return '';
        const width = round(Math.max(1, widthOf(value)));
        return (
          `<rect x="${LEFT}" y="${barY}" width="${width}" height="${THICKNESS - 2}" fill="${colours[index % 2] ?? ''}"/>` +
          `<text x="${LEFT + width + 4}" y="${barY + THICKNESS - 3}" font-size="10">${escape(format(value))}</text>`
        );
      }),
    ];
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12">`,
    `<title>${escape(title)}</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="white"/>`,
    `<text x="12" y="20" font-size="14" font-weight="bold">${escape(title)}</text>`,
    `<text x="12" y="40" fill="#444">dark: ${escape(legend.join(', light: '))}; logarithmic; this project in green</text>`,
    ...grid,
    ...rows,
    '</svg>',
    '',
  ].join('\n');
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** Writes what a run found out: one JSON document, one page of Markdown, one plot per case. */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { longestStallMs } from '../machine/stall-canary.js';
import type { CaseResult } from '../run/case.js';
import type { Limits } from '../run/limits.js';
import { NOTABLE_GAP_MS } from '../viewer/rtp-counter.js';
import { plotSvg } from './plot.js';
import type { Panel } from './plot.js';

export interface Run {
  /** `null` outside a git checkout. */
  readonly commit: string | null;
  readonly command: string;
  readonly begunAt: string;
  readonly seconds: number;
  readonly machine: {
    readonly kernel: string;
    readonly processors: string;
    readonly node: string;
    readonly ffmpeg: string;
    readonly mediasoup: string;
  };
  readonly limits: Limits;
  readonly baseline: CaseResult;
  /** What cases with browsers are judged by; `null` if none was run. */
  readonly browserBaseline: CaseResult | null;
  readonly browserLimits: Limits;
  readonly cases: readonly CaseResult[];
}

/**
 * What the document leaves out, since it was judged already and would be most of it: digests, pictures, and what the
 * plots show.
 */
const leftOut = new Set(['seen', 'screenshots', 'intervals']);

export function writeReport(run: Run, folder: string): void {
  mkdirSync(folder, { recursive: true });
  // Plots and pictures of cases that this run has not.
  for (const name of readdirSync(folder)) {
    if (/^e2e-.*\.(svg|png)$/.test(name)) rmSync(join(folder, name));
  }
  const document = JSON.stringify(run, (key, value: unknown) => (leftOut.has(key) ? undefined : value), 1);
  writeFileSync(join(folder, 'e2e.json'), `${document}\n`);
  writeFileSync(join(folder, 'e2e.md'), markdown(run));
  for (const result of run.cases) writeFileSync(join(folder, `e2e-${result.name}.svg`), plotOf(result, run));
  for (const [index, picture] of (run.browserBaseline?.screenshots ?? []).entries()) {
    writeFileSync(join(folder, viewerPicture(index)), picture);
  }
}

function plotOf(result: CaseResult, run: Run): string {
  const baseline = result.browsers.length > 0 ? (run.browserBaseline ?? run.baseline) : run.baseline;
  const other = run.cases.find(({ name }) => name === result.comparedWith) ?? baseline;
  const panels = [result, other].flatMap((shown) => [...panelsOf(shown), ...browserPanelsOf(shown)]);
  const what = result.browsers.length > 0 ? ', and time from one presented picture to the next' : '';
  return plotSvg(`RTP packets per 100 ms${what}: ${result.name}`, panels);
}

function viewerPicture(index: number): string {
  return `e2e-viewer-${index + 1}.png`;
}

/** One panel per viewer in a browser. */
function browserPanelsOf({ name, browsers, marks }: CaseResult): Panel[] {
  return browsers.map(({ cameraId, intervals }, index) => ({
    title: `${name}: time between the pictures that browser ${index + 1} presented`,
    kind: 'intervals',
    intervals,
    marks: marks.filter(({ interrupts }) => interrupts.length === 0 || interrupts.includes(cameraId)),
  }));
}

/** One panel per camera, as its first viewer sees it. */
function panelsOf({ name, title, viewers, marks }: CaseResult): Panel[] {
  const cameras = [...new Set(viewers.map(({ cameraId }) => cameraId))];
  return cameras.map((cameraId) => ({
    title: cameras.length === 1 ? `${name}: ${title}` : `${name}, ${cameraId}`,
    kind: 'packets',
    per100Ms: viewers.find((viewer) => viewer.cameraId === cameraId)?.per100Ms ?? [],
    marks: marks.filter(({ interrupts }) => interrupts.length === 0 || interrupts.includes(cameraId)),
  }));
}

export const COLUMNS = [
  'case',
  'longest gap',
  'packets/s',
  'lost',
  'decoded',
  'read',
  'missed',
  'result',
] as const;

/** The numbers of one case, as the terminal and the page show them. */
export function row(result: CaseResult): string[] {
  const { viewers, tappedPerSecond, reader } = result;
  if (viewers.length === 0) return [result.name, ...COLUMNS.slice(1, -1).map(() => '-'), resultOf(result)];
  const gap = Math.max(...viewers.map(({ longestGapMs }) => longestGapMs));
  const ownGap = Math.max(...viewers.map(({ longestOwnGapMs }) => longestOwnGapMs));
  const isInterrupted = result.marks.some(({ interrupts }) => interrupts.length > 0);
  return [
    result.name,
    isInterrupted
      ? `${gap.toFixed(0)} ms, ${ownGap <= NOTABLE_GAP_MS ? `under ${NOTABLE_GAP_MS}` : ownGap.toFixed(0)} beside`
      : `${gap.toFixed(0)} ms`,
    Math.min(...viewers.map(({ packetsPerSecond }) => packetsPerSecond)).toFixed(0),
    `${viewers.reduce((total, { lost }) => total + lost, 0)}`,
    tappedPerSecond === null ? '-' : `${tappedPerSecond.toFixed(1)} fps`,
    reader === null ? '-' : `${reader.frames}`,
    reader === null ? '-' : `${reader.missed}`,
    resultOf(result),
  ];
}

function resultOf({ verdict, isControl, attempts }: CaseResult): string {
  const words = isControl
    ? { ok: 'fails, as it must', failed: 'DOES NOT FAIL', 'not judged': 'not judged' }
    : { ok: 'ok', failed: 'FAILED', 'not judged': 'not judged' };
  return `${words[verdict]}${attempts > 1 ? ` (attempt ${attempts})` : ''}`;
}

/** What the machine did to a case. */
export function machineText({ machine }: CaseResult): string {
  const { isRealTime, stalls, stolenPercent, usedPercent } = machine;
  const longest = isRealTime
    ? `longest pause of a processor ${longestStallMs(stalls) === 0 ? 'under 20' : longestStallMs(stalls).toFixed(0)} ms, `
    : 'no right to watch for pauses, ';
  return `${longest}${stolenPercent.toFixed(1)} % of its time taken away, ${usedPercent.toFixed(0)} % used at ordinary priority`;
}

function markdown(run: Run): string {
  const { machine, limits } = run;
  const lines = [
    '# Video undisturbed: end-to-end report',
    '',
    `Commit ${run.commit ?? 'unknown'}, ${run.begunAt}, ${run.seconds.toFixed(0)} s. Reproduce it with`,
    '',
    `    ${run.command}`,
    '',
    `${machine.processors}, Linux ${machine.kernel}, Node ${machine.node}, FFmpeg ${machine.ffmpeg}, ` +
      `MediaSoup ${machine.mediasoup}.`,
    '',
    'An RTSP camera, one FFmpeg per camera with RTP, HLS and raw output, a MediaSoup worker with three consumers',
    'per camera; each consumer is counted packet by packet, with the arrival times of the kernel, by a process',
    `of its own. Without a tap the longest gap between two packets was ${gapOf(run.baseline)} ms; the limit is`,
    `${limits.longestGapMs.toFixed(0)} ms. Where a case interrupts the camera itself, the longest gap beside that`,
    'interruption counts. The controls have to fail: they show that the suite would see it. A case whose pace',
    'is wrong while the machine itself stood still is run again, and not judged if that goes on.',
    '',
    `| ${COLUMNS.join(' | ')} |`,
    `|${COLUMNS.map(() => ' --- ').join('|')}|`,
    ...[run.baseline, ...(run.browserBaseline === null ? [] : [run.browserBaseline]), ...run.cases].map(
      (result) => `| ${row(result).join(' | ')} |`,
    ),
  ];
  lines.push(...browserPage(run));
  for (const result of run.cases) {
    lines.push(
      '',
      `## ${result.name}`,
      '',
      `${result.title}.${result.requirements.length === 0 ? '' : ` ${result.requirements.join(', ')}.`}`,
      '',
      `![RTP packets per 100 ms](e2e-${result.name}.svg)`,
      '',
      ...browserLines(result),
      `The machine meanwhile: ${machineText(result)}.`,
      '',
      ...result.checks.map(({ statement, isTrue, detail }) => {
        return `- ${isTrue ? 'true' : 'FALSE'}: ${statement}${detail === '' ? '' : ` (${detail})`}`;
      }),
    );
  }
  return `${lines.join('\n')}\n`;
}

/** What the cases with browsers are compared with, and what a viewer looks like. */
function browserPage({ browserBaseline, browserLimits }: Run): string[] {
  if (browserBaseline === null) return [];
  const { browsers, screenshots } = browserBaseline;
  const longest = Math.max(...browsers.map(({ longestGapMs }) => longestGapMs));
  return [
    '',
    'Where a case is seen in Chromium, two pages per camera receive it by WebRTC, and every picture that is presented',
    `counts. Without a tap the longest time between two pictures was ${longest.toFixed(0)} ms; the limit is`,
    `${(browserLimits.longestPresentedGapMs ?? 0).toFixed(0)} ms, and the time that is still open at the end counts.`,
    'Pictures that were received and not presented were late in drawing: the machine was wanted elsewhere.',
    ...screenshots.flatMap((_, index) => ['', `![A viewer in Chromium](${viewerPicture(index)})`]),
  ];
}

function browserLines({ browsers }: CaseResult): string[] {
  if (browsers.length === 0) return [];
  return [
    '| browser | pictures received | presented | longest time between two | by arrival of their packets |',
    '| --- | --- | --- | --- | --- |',
    ...browsers.map(
      ({ received, frames, longestGapMs, longestDeliveryGapMs }, index) =>
        `| ${index + 1} | ${received ?? '-'} | ${frames} | ${longestGapMs.toFixed(0)} ms | ${longestDeliveryGapMs.toFixed(0)} ms |`,
    ),
    '',
  ];
}

function gapOf({ viewers }: CaseResult): string {
  return Math.max(...viewers.map(({ longestGapMs }) => longestGapMs)).toFixed(0);
}

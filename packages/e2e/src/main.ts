/**
 * The end-to-end suite.
 *
 *   npm run e2e -- [--list] [--case NAME]... [--short] [--seconds N] [--ffmpeg PATH] [--report DIR]
 *                  [--install-packages] [--allow-unjudged]
 *
 * --list names the cases, and says about how long they take, instead of running them.
 * A case whose pace is wrong while the machine itself stands still (a virtual machine whose processors are wanted
 * elsewhere) is run again, a few times; after that it is not judged. The run passes if every case does; with
 * --allow-unjudged also if some could not be judged. Any other failure counts
 * at once, on any machine.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus, release } from 'node:os';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { exitOnSignals } from '@vas/processes';
import { findFfmpeg } from '@vas/reference-host';
import { browserNoTap, cases, noTap } from './cases/index.js';
import { faultEnvironment } from './host/faulty-addon.js';
import { StallCanary, isDisturbed } from './machine/stall-canary.js';
import { requireSystemPackages } from './machine/system-packages.js';
import { provideWorker } from './machine/worker-binary.js';
import { packageFolder } from './package-folder.js';
import { COLUMNS, machineText, row, writeReport } from './report/report.js';
import type { Run } from './report/report.js';
import type { Case, CaseResult, Verdict } from './run/case.js';
import { GAP_FLOOR_MS, limitsFrom, longestGapMs, longestPresentedGapMs, widened } from './run/limits.js';
import { killMarked, markProcesses } from './run/residue.js';
import { runCase } from './run/run-case.js';
import type { RunSettings } from './run/run-case.js';
import { removeFolders } from './run/stage.js';

const { values: options } = parseArgs({
  options: {
    list: { type: 'boolean', default: false },
    case: { type: 'string', multiple: true },
    short: { type: 'boolean', default: false },
    seconds: { type: 'string', default: '12' },
    ffmpeg: { type: 'string' },
    report: { type: 'string', default: fileURLToPath(new URL('../../reports', packageFolder)) },
    'install-packages': { type: 'boolean', default: false },
    'allow-unjudged': { type: 'boolean', default: false },
  },
});

/** Drawing lengthens the gaps between packets: up to this much without a tap still counts as even. */
const EVEN_PRESENTED_MS = 150;

/** What a case takes beside its measurement, as measured: stage, viewers in browsers, check of the recording. */
const OVERHEAD_SECONDS = 6;
const BROWSER_OVERHEAD_SECONDS = 7;

/** How often a disturbed case, or the host without a tap, is run at most. */
const MAX_ATTEMPTS = 4;

const columnWidths = [22, 26, 11, 6, 10, 6, 8, 18];

process.once('exit', () => {
  killMarked();
  removeFolders();
});
exitOnSignals();

process.exitCode = await main();

async function main(): Promise<number> {
  const chosen = chooseCases();
  if (options.list) {
    listCases(chosen);
    return 0;
  }
  const begun = new Date();
  const install = options['install-packages'] ? ['--install-packages'] : [];
  requireSystemPackages(install, chosen.some(hasBrowsers));
  provideWorker(install);
  // Built now, so that no case has to wait for it.
  if (chosen.some(({ stage }) => stage?.fault != null)) faultEnvironment('');
  const canary = await StallCanary.start();
  try {
    return await runAll(chosen, begun, canary);
  } finally {
    await canary.stop();
  }
}

async function runAll(chosen: typeof cases, begun: Date, canary: StallCanary): Promise<number> {
  // Not the canary, which outlives every case.
  markProcesses();
  const ffmpeg = await findFfmpeg(options.ffmpeg);
  const settings: RunSettings = {
    ffmpeg: options.ffmpeg ?? null,
    ffmpegPath: ffmpeg.path,
    seconds: Number(options.seconds),
    canary,
  };
  console.log(`FFmpeg ${ffmpeg.version}, ${chosen.length} cases\n`);
  printRow([...COLUMNS]);
  const base = await measureBaseline(noTap, settings);
  // Nothing can be judged without something to compare with.
  if (typeof base === 'string') return base === 'not judged' && options['allow-unjudged'] ? 0 : 1;
  const limits = limitsFrom(base);
  const browserBase = chosen.some(hasBrowsers) ? await measureBaseline(browserNoTap, settings) : null;
  if (typeof browserBase === 'string')
    return browserBase === 'not judged' && options['allow-unjudged'] ? 0 : 1;
  const browserLimits = browserBase === null ? limits : limitsFrom(browserBase);

  const results: CaseResult[] = [];
  let repeatsLeft = chosen.length;
  for (const [index, testCase] of chosen.entries()) {
    const place = `${index + 1}/${chosen.length} ${testCase.name}`;
    let compared = hasBrowsers(testCase) ? browserLimits : limits;
    if (testCase.measuredBy !== undefined) {
      const { measuredBy } = testCase;
      let measure = results.find(({ name }) => name === measuredBy.name);
      if (measure === undefined) {
        const clear = announce(`${place}, first ${measuredBy.name}: ${measuredBy.title}`);
        measure = await runCase(measuredBy, settings, null);
        clear();
        printResult(measure);
        results.push(measure);
      }
      compared = widened(compared, measure);
    }
    const clear = announce(`${place}: ${testCase.title}`);
    let result = await runCase(testCase, settings, compared);
    while (result.verdict === 'not judged' && result.attempts < MAX_ATTEMPTS && repeatsLeft > 0) {
      repeatsLeft -= 1;
      result = { ...(await runCase(testCase, settings, compared)), attempts: result.attempts + 1 };
    }
    clear();
    printResult(result);
    results.push(result);
  }

  const run: Run = {
    commit: commit(),
    command: command(),
    begunAt: begun.toISOString(),
    seconds: (Date.now() - begun.getTime()) / 1000,
    machine: {
      kernel: release(),
      processors: `${cpus().length} x ${cpus()[0]?.model.trim() ?? 'unknown processor'}`,
      node: process.versions.node,
      ffmpeg: ffmpeg.version,
      mediasoup: mediasoupVersion(),
    },
    limits,
    baseline: base,
    browserBaseline: browserBase,
    browserLimits,
    cases: results,
  };
  writeReport(run, resolve(options.report));
  console.log(`\nlimit ${limits.longestGapMs.toFixed(0)} ms; report in ${resolve(options.report)}`);
  const named = (verdict: Verdict): string[] =>
    results.flatMap((result) => (result.verdict === verdict ? [result.name] : []));
  const [passed, failed, unjudged] = [named('ok'), named('failed'), named('not judged')];
  if (failed.length > 0) console.log(`not as it should be: ${failed.join(', ')}`);
  if (unjudged.length > 0) console.log(`the machine itself stood still: ${unjudged.join(', ')}`);
  console.log(`${passed.length} passed, ${failed.length} failed, ${unjudged.length} not judged`);
  return failed.length === 0 && (unjudged.length === 0 || options['allow-unjudged']) ? 0 : 1;
}

/**
 * The host without a tap, at its best of a few attempts: a limit made while the machine was busy with something
 * else would hide what the suite is there to find. If no attempt will do, the answer says whose fault that is.
 */
async function measureBaseline(
  baseline: Case,
  settings: RunSettings,
): Promise<CaseResult | 'failed' | 'not judged'> {
  let isDisturbedAlways = true;
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
    const result = { ...(await runCase(baseline, settings, null)), attempts: attempt };
    printResult(result);
    const isEven =
      longestGapMs(result) <= GAP_FLOOR_MS / 2 && longestPresentedGapMs(result) <= EVEN_PRESENTED_MS;
    if (result.verdict === 'ok' && isEven) return result;
    if (result.verdict === 'ok') console.log(`    too long to compare with; ${machineText(result)}`);
    isDisturbedAlways &&= isDisturbed(result.machine);
  }
  console.log('nothing can be judged: even without a tap the video does not flow evenly');
  return isDisturbedAlways ? 'not judged' : 'failed';
}

function hasBrowsers({ stage }: Case): boolean {
  return (stage?.browsersPerCamera ?? 0) > 0;
}

function chooseCases(): typeof cases {
  const names = options.case;
  if (names === undefined) return options.short ? cases.filter(({ isShort }) => isShort) : cases;
  return names.map((name) => {
    const found = cases.find((testCase) => testCase.name === name);
    if (found === undefined) {
      throw new Error(`no case ${name}; there are: ${cases.map((testCase) => testCase.name).join(', ')}`);
    }
    return found;
  });
}

function listCases(chosen: typeof cases): void {
  const measures = new Set(
    chosen.flatMap(({ measuredBy }) => (measuredBy === undefined ? [] : [measuredBy])),
  );
  const run = [noTap, ...(chosen.some(hasBrowsers) ? [browserNoTap] : []), ...measures, ...chosen];
  for (const { name, title } of run) console.log(`${name.padEnd(44)} ${title}`);
  const took = tookInTheLastReport();
  const seconds = run.reduce((total, testCase) => total + (took.get(testCase.name) ?? estimate(testCase)), 0);
  console.log(
    `\n${run.length} runs, about ${Math.ceil(seconds / 60)} minutes on a machine that does nothing else`,
  );
}

function estimate(testCase: Case): number {
  const overhead = OVERHEAD_SECONDS + (hasBrowsers(testCase) ? BROWSER_OVERHEAD_SECONDS : 0);
  return Math.max(testCase.seconds ?? 0, Number(options.seconds)) + overhead;
}

/** Seconds that each case took in the report of the repository; none if there is no such report. */
function tookInTheLastReport(): ReadonlyMap<string, number> {
  try {
    const text = readFileSync(new URL('../../docs/e2e/e2e.json', packageFolder), 'utf8');
    const { cases: results, baseline, browserBaseline } = JSON.parse(text) as Partial<Run>;
    const all = [baseline, browserBaseline, ...(results ?? [])].filter((result) => result != null);
    return new Map(all.flatMap(({ name, tookSeconds }) => (tookSeconds > 0 ? [[name, tookSeconds]] : [])));
  } catch {
    return new Map();
  }
}

function printRow(cells: readonly string[]): void {
  console.log(
    cells
      .map((cell, index) => cell.padEnd(columnWidths[index] ?? 0))
      .join(' ')
      .trimEnd(),
  );
}

function printResult(result: CaseResult): void {
  printRow(row(result));
  if (result.verdict !== 'ok') console.log(`    the machine: ${machineText(result)}`);
  for (const { statement, isTrue, detail } of result.checks) {
    if (!isTrue) console.log(`    not true: ${statement}${detail === '' ? '' : ` (${detail})`}`);
  }
}

/** Says on a terminal what is being done; the function returned takes it away again. */
function announce(text: string): () => void {
  if (!process.stdout.isTTY) return () => undefined;
  process.stdout.write(text.slice(0, process.stdout.columns - 1));
  return () => process.stdout.write('\r\u001b[K');
}

function commit(): string | null {
  try {
    const folder = fileURLToPath(packageFolder);
    return execFileSync('git', ['describe', '--always', '--dirty', '--abbrev=12'], {
      cwd: folder,
      encoding: 'utf8',
    }).trim();
  } catch {
    // A copy without its history.
    return null;
  }
}

/** What this run was asked for, without where its report goes. */
function command(): string {
  const args = Object.entries(options).flatMap(([name, value]) => {
    if (name === 'report') return [];
    if (Array.isArray(value)) return value.map((one) => `--${name} ${one}`);
    return typeof value === 'boolean' ? (value ? [`--${name}`] : []) : [`--${name} ${value}`];
  });
  return ['npm run e2e --', ...args].join(' ');
}

function mediasoupVersion(): string {
  const require = createRequire(import.meta.url);
  return (require('mediasoup') as { version: string }).version;
}

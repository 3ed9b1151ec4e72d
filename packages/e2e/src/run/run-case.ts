/** Runs one case: sets its stage, measures, lets the fault happen, strikes the stage, judges. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PLAYLIST } from '@vas/reference-host';
import type { HostStatus } from '../host/requests.js';
import { isDisturbed } from '../machine/stall-canary.js';
import type { MachineReport, StallCanary } from '../machine/stall-canary.js';
import type { ReaderReport } from '../reader/requests.js';
import { checkRecording } from '../viewer/hls-recording.js';
import type { Presented } from '../viewer/presented.js';
import { NOTABLE_GAP_MS } from '../viewer/rtp-counter.js';
import type { StreamCount } from '../viewer/rtp-counter.js';
import { QUIET_MS } from './case.js';
import type { BrowserResult, Case, CaseResult, Verdict, ViewerResult } from './case.js';
import { Checks } from './check.js';
import type { Check } from './check.js';
import { checkFrames } from './frame-check.js';
import type { Limits } from './limits.js';
import { checkResidue, footprint, killMarked } from './residue.js';
import { Stage, defaultCamera, FRAMES_PER_SECOND, VIEWERS_PER_CAMERA } from './stage.js';
import type { Mark, StageOptions } from './stage.js';

export interface RunSettings {
  readonly ffmpeg: string | null;
  readonly ffmpegPath: string;
  readonly seconds: number;
  /** Runs through all cases. */
  readonly canary: StallCanary;
}

/** From the first packet after a pause to the next key frame, and to its presentation. */
const RETURN_MS = 1_500;

/**
 * Chromium takes time stamps behind the last ones for old, until it has had nothing to decode for 3 s, and once more
 * every 3 s: then the next key frame counts, whatever its time stamp.
 */
const DISTRUST_MS = 3_000;

/** After an interruption the first gap that begins this soon belongs to it. */
const INTERRUPTION_MS = 6_000;

export const defaultStage: Omit<StageOptions, 'ffmpeg' | 'ffmpegPath' | 'isControl'> = {
  cameras: 1,
  camera: defaultCamera,
  tap: 'frame-export',
  isFlagOn: true,
  sparePorts: 0,
  browsersPerCamera: 0,
  isRouterApart: false,
  isTapIsolated: true,
  takesCommands: false,
  fault: null,
  baseMount: null,
};

/**
 * A case that cannot be run to its end has failed, and the next one is run all the same.
 *
 * @param limits `null` for the run that makes them
 */
export async function runCase(
  testCase: Case,
  settings: RunSettings,
  limits: Limits | null,
): Promise<CaseResult> {
  const begunMs = performance.now();
  const checks = new Checks();
  const before = footprint();
  const { ffmpeg, ffmpegPath } = settings;
  const isControl = testCase.controlGapMs !== undefined;
  const options = { ...defaultStage, ffmpeg, ffmpegPath, isControl, ...testCase.stage };
  let findings: Findings = nothingFound;
  let stage: Stage | undefined;
  await settings.canary.begin();
  try {
    stage = await Stage.set(options);
    const measured = await measure(testCase, options, settings, stage, checks);
    findings = await judge(testCase, options, settings, stage, checks, measured, limits);
    await stage.strike();
    await checkResidue(checks, before, stage.baseDir);
  } catch (error) {
    checks.add('the case runs to its end', false, error instanceof Error ? error.message : String(error));
  } finally {
    await stage?.strike();
    killMarked();
    if (stage !== undefined) rmSync(stage.baseDir, { recursive: true, force: true });
  }
  const machine = await settings.canary.report();
  const judged = checks.all.filter(({ isOfPace }) => !isOfPace || testCase.isOverload !== true);
  return {
    name: testCase.name,
    title: testCase.title,
    requirements: testCase.requirements,
    isControl: testCase.controlGapMs !== undefined,
    verdict: verdictOf(judged, machine),
    attempts: 1,
    machine,
    tookSeconds: (performance.now() - begunMs) / 1000,
    comparedWith: (testCase.comparedWith ?? testCase.measuredBy)?.name ?? null,
    marks: stage?.marks ?? [],
    ...findings,
    checks: judged,
  };
}

/** A machine that stands still can break the pace of everything, and nothing else: a torn frame is a failure anywhere. */
export function verdictOf(checks: readonly Check[], machine: MachineReport): Verdict {
  const untrue = checks.filter(({ isTrue }) => !isTrue);
  if (untrue.length === 0) return 'ok';
  return isDisturbed(machine) && untrue.every(({ isOfPace }) => isOfPace) ? 'not judged' : 'failed';
}

/** The numbers that a case finds; the rest of its result is known beforehand. */
type Findings = Pick<
  CaseResult,
  'seconds' | 'viewers' | 'browsers' | 'screenshots' | 'tappedPerSecond' | 'recordings' | 'reader' | 'events'
>;

const nothingFound: Findings = {
  seconds: 0,
  viewers: [],
  browsers: [],
  screenshots: [],
  tappedPerSecond: null,
  recordings: [],
  reader: null,
  events: [],
};

interface Measured {
  readonly seconds: number;
  readonly counts: readonly StreamCount[];
  readonly presented: readonly Presented[];
  readonly screenshots: readonly Buffer[];
  readonly reader: ReaderReport | null;
  readonly atBegin: HostStatus;
  readonly atEnd: HostStatus;
}

async function measure(
  testCase: Case,
  options: StageOptions,
  settings: RunSettings,
  stage: Stage,
  checks: Checks,
): Promise<Measured> {
  const isExported = options.tap === 'frame-export' && options.isFlagOn;
  const follower = isExported && testCase.isFollowed !== false ? await stage.reader('follow') : null;
  await sleep(500);
  const atBegin = await stage.status();
  await stage.begin();
  const ends = Date.now() + (testCase.seconds ?? settings.seconds) * 1000;
  await sleep(QUIET_MS);
  await testCase.run?.(stage, checks);
  await sleep(Math.max(0, ends - Date.now()));
  const seconds = stage.nowMs / 1000;
  const counts = await stage.counts();
  const presented = await stage.presented();
  const screenshots = await stage.screenshots();
  const atEnd = await stage.status();
  const reader = (await follower?.ask('report')) ?? null;
  return { seconds, counts, presented, screenshots, reader, atBegin, atEnd };
}

async function judge(
  testCase: Case,
  options: StageOptions,
  settings: RunSettings,
  stage: Stage,
  checks: Checks,
  measured: Measured,
  limits: Limits | null,
): Promise<Findings> {
  const { seconds, counts, atBegin, atEnd } = measured;
  const viewers = counts.slice(0, stage.cameras.length * VIEWERS_PER_CAMERA).map((count, index) => {
    const cameraId = stage.cameras[Math.floor(index / VIEWERS_PER_CAMERA)]?.hosted.cameraId ?? '';
    return {
      ...count,
      cameraId,
      longestOwnGapMs: longestOwnGap(count, interruptionsOf(stage.marks, cameraId)),
    };
  });
  judgeViewers(testCase, viewers, stage.marks, checks, limits);
  const browsers = measured.presented.map((seen) => ({
    ...seen,
    longestOwnGapMs: longestOwnGap(seen, interruptionsOf(stage.marks, seen.cameraId)),
  }));
  if (browsers.length > 0) judgeBrowsers(testCase, browsers, viewers, checks, limits);

  const leftovers = await stage.host.ask('stop');
  // A control leaves behind what it was broken for.
  const judged = testCase.controlGapMs === undefined ? Object.entries(leftovers) : [];
  for (const [kind, found] of judged as [string, readonly string[]][]) {
    checks.add(`the stopped host keeps no ${kind}`, found.length === 0, found.join(', '));
  }

  const recordings = [];
  for (const { hosted } of stage.cameras) {
    const recording = await checkRecording(settings.ffmpegPath, join(hosted.recordingDir, PLAYLIST));
    const isInterrupted = interruptionsOf(stage.marks, hosted.cameraId).length > 0;
    recordings.push({ cameraId: hosted.cameraId, ...recording });
    if (testCase.controlGapMs === undefined)
      judgeRecording(hosted.cameraId, recording, seconds, isInterrupted, checks);
  }

  const tappedPerSecond = options.isFlagOn ? tappedRate(atBegin, atEnd, seconds) : null;
  const isInterrupted = stage.marks.some(({ interrupts }) => interrupts.length > 0);
  const starts = atEnd.cameras[0]?.starts ?? 0;
  if (measured.reader !== null) judgeReader(measured.reader, stage, atEnd, starts, checks);
  const isTapWhole = testCase.losesFrames !== true && testCase.controlGapMs === undefined;
  if (tappedPerSecond !== null && !isInterrupted && isTapWhole) {
    checks.addPace(
      'FFmpeg decodes at the rate of the camera',
      tappedPerSecond > FRAMES_PER_SECOND * 0.95 && tappedPerSecond < FRAMES_PER_SECOND * 1.05,
      `${tappedPerSecond.toFixed(2)} fps`,
    );
  }

  return {
    seconds,
    viewers,
    browsers,
    screenshots: measured.screenshots,
    tappedPerSecond,
    recordings,
    reader: measured.reader,
    events: atEnd.cameras.map(({ cameraId, events }) => ({ cameraId, events })),
  };
}

function judgeViewers(
  testCase: Case,
  viewers: readonly ViewerResult[],
  marks: readonly Mark[],
  checks: Checks,
  limits: Limits | null,
): void {
  const longest = Math.max(...viewers.map(({ longestOwnGapMs }) => longestOwnGapMs));
  if (testCase.controlGapMs !== undefined) {
    const least = Math.min(...viewers.map(({ longestGapMs }) => longestGapMs));
    checks.add(
      `as a control, every viewer sees a gap of at least ${testCase.controlGapMs} ms, and above the limit`,
      least >= testCase.controlGapMs && least > (limits?.longestGapMs ?? 0),
      `${least.toFixed(0)} ms`,
    );
    return;
  }
  if (limits !== null) {
    checks.addPace(
      `no viewer sees a gap of more than ${limits.longestGapMs.toFixed(0)} ms`,
      longest <= limits.longestGapMs,
      `${longest.toFixed(0)} ms`,
    );
  }
  const undisturbed = viewers.filter(({ cameraId }) => interruptionsOf(marks, cameraId).length === 0);
  const lost = undisturbed.reduce((total, viewer) => total + viewer.lost, 0);
  checks.addPace('no packet is lost', lost === 0, lost);
  if (limits !== null && testCase.stage?.camera === undefined) {
    const slowest = Math.min(...undisturbed.map(({ packetsPerSecond }) => packetsPerSecond));
    checks.addPace(
      'packets come at the rate they have without a tap',
      undisturbed.length === 0 || Math.abs(slowest / limits.packetsPerSecond - 1) < 0.05,
      undisturbed.length === 0
        ? ''
        : `${slowest.toFixed(1)}/s, ${limits.packetsPerSecond.toFixed(1)}/s without`,
    );
  }
  const silent = viewers.filter(({ per100Ms }) => !per100Ms.slice(-11).some((packets) => packets > 0));
  checks.addPace(
    'every viewer receives video in the end',
    silent.length === 0,
    silent.map(({ cameraId }) => cameraId).join(),
  );
}

export function judgeBrowsers(
  testCase: Case,
  browsers: readonly BrowserResult[],
  viewers: readonly ViewerResult[],
  checks: Checks,
  limits: Limits | null,
): void {
  if (testCase.controlGapMs !== undefined) {
    const least = Math.min(...browsers.map(({ longestGapMs }) => longestGapMs));
    checks.add(
      `as a control, the picture stands in every browser for at least ${testCase.controlGapMs} ms, and above the limit`,
      least >= testCase.controlGapMs && least > (limits?.longestPresentedGapMs ?? 0),
      `${least.toFixed(0)} ms`,
    );
    return;
  }
  // A picture that never came back shows no pause but the one that is still open.
  const standing = browsers.filter(({ per100Ms }) => !per100Ms.slice(-11).some((pictures) => pictures > 0));
  checks.addPace('every browser shows moving pictures in the end', standing.length === 0, standing.length);
  // After an interruption as well: numbers that begin again leave a picture standing while packets arrive.
  for (const { cameraId, longestGapMs } of browsers) {
    const own = viewers.filter((viewer) => viewer.cameraId === cameraId);
    const packets = Math.max(...own.map((viewer) => viewer.longestGapMs));
    const isSetBack = testCase.isConsumedAnew !== true && own.some(({ setBack }) => setBack > 0);
    checks.addPace(
      isSetBack
        ? `the picture of ${cameraId} comes back ${DISTRUST_MS / 1000} s after its packets, whose time stamps went back`
        : `the picture of ${cameraId} comes back with its packets`,
      longestGapMs <= packets + RETURN_MS + (isSetBack ? DISTRUST_MS : 0),
      `${longestGapMs.toFixed(0)} ms without a picture, ${packets.toFixed(0)} ms without a packet`,
    );
  }
  const limit = limits?.longestPresentedGapMs ?? null;
  if (limit === null) return;
  const longest = Math.max(...browsers.map(({ longestOwnGapMs }) => longestOwnGapMs));
  const delivered = Math.max(...browsers.map(({ longestDeliveryGapMs }) => longestDeliveryGapMs));
  checks.addPace(
    `in no browser the picture stands for more than ${limit.toFixed(0)} ms`,
    longest <= limit,
    `${longest.toFixed(0)} ms; by the arrival of its packets ${delivered.toFixed(0)} ms; presented of received ` +
      browsers.map(({ frames, received }) => `${frames} of ${received ?? 'unknown'}`).join(', '),
  );
}

function judgeRecording(
  cameraId: string,
  recording: Awaited<ReturnType<typeof checkRecording>>,
  seconds: number,
  isInterrupted: boolean,
  checks: Checks,
): void {
  const { segments, pictureSeconds, playlistSeconds, longestStepMs, jumps, missing, errors } = recording;
  const detail =
    `${segments} segments, ${playlistSeconds.toFixed(1)} s, longest step ${longestStepMs.toFixed(0)} ms, ` +
    `${jumps} jumps${errors.length === 0 ? '' : `; ${errors.slice(0, 2).join('; ')}`}`;
  checks.add(
    `the recording of ${cameraId} has all its segments`,
    segments > 0 && missing.length === 0,
    detail,
  );
  if (isInterrupted) return;
  checks.add(`the recording of ${cameraId} decodes without errors`, errors.length === 0, detail);
  checks.addPace(
    `the recording of ${cameraId} covers the time without a gap`,
    jumps === 0 && longestStepMs <= 3_000 / FRAMES_PER_SECOND && pictureSeconds >= seconds - 1,
    detail,
  );
}

function judgeReader(
  reader: ReaderReport,
  stage: Stage,
  atEnd: HostStatus,
  starts: number,
  checks: Checks,
): void {
  const { frameHashDir, cameraId } = stage.first.hosted;
  const statistics = atEnd.cameras.find((camera) => camera.cameraId === cameraId)?.statistics;
  checks.add('a reader follows the camera', reader.frames > FRAMES_PER_SECOND, `${reader.frames} frames`);
  if (frameHashDir === null) return;
  const isCounted = statistics?.framesDiscarded === 0 && !stage.isTapIsolated;
  const { unknown, misplaced, unverifiable } = checkFrames(reader.seen, frameHashDir, isCounted);
  checks.add(
    'every frame read is bit-exact what FFmpeg decoded',
    unknown === 0 && misplaced === 0 && unverifiable <= 2 * starts,
    `${reader.seen.length} frames, ${unknown} unknown, ${misplaced} misplaced, ${unverifiable} without a digest`,
  );
}

function tappedRate(atBegin: HostStatus, atEnd: HostStatus, seconds: number): number | null {
  const taken = (status: HostStatus): number | null => {
    const statistics = status.cameras[0]?.statistics ?? null;
    return statistics === null ? null : statistics.framesWritten + statistics.framesDiscarded;
  };
  const [first, last] = [taken(atBegin), taken(atEnd)];
  // Less than before: another host counts from the beginning.
  return first === null || last === null || last < first ? null : (last - first) / seconds;
}

function interruptionsOf(marks: readonly Mark[], cameraId: string): readonly Mark[] {
  return marks.filter(({ interrupts }) => interrupts.includes(cameraId));
}

/** The pauses of an interrupted stream are known one by one only if they are notable: the result is at least that bound. */
function longestOwnGap(
  count: Pick<StreamCount, 'longestGapMs' | 'gaps'>,
  interruptions: readonly Mark[],
): number {
  if (interruptions.length === 0) return count.longestGapMs;
  const own = count.gaps.filter(
    ({ atMs, ms }) =>
      !interruptions.some((mark) => atMs + ms > mark.atMs && atMs < mark.atMs + INTERRUPTION_MS),
  );
  return Math.max(NOTABLE_GAP_MS, ...own.map(({ ms }) => ms));
}

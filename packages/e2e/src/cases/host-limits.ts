/** The host runs out of what the system gives it while a camera restarts; each case beside its twin without a tap. */
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { ControlGroup } from '../machine/control-group.js';
import type { Case } from '../run/case.js';
import type { Checks } from '../run/check.js';
import { ffmpegPid, startsOf, statusOfFirst, waitForStart } from '../run/restart.js';
import type { Stage } from '../run/stage.js';
import { withTwins } from './twins.js';

/** More than the host needs to start an FFmpeg, and less than it keeps for that when it makes a pipe for frames. */
const DESCRIPTORS_LEFT = 10;

/** Kills FFmpeg; when the host has started another, says whether that one's frames are exported. */
async function restart(stage: Stage): Promise<boolean> {
  const starts = await startsOf(stage);
  process.kill(await ffmpegPid(stage), 'SIGKILL');
  await waitForStart(stage, starts);
  return isExported(stage);
}

async function isExported(stage: Stage): Promise<boolean> {
  const { events } = await statusOfFirst(stage);
  return events.filter((event) => event.type === 'ffmpeg-started').at(-1)?.isExported === true;
}

/** The codes of the reasons why the host had to start FFmpeg without its raw output. */
async function refusals(stage: Stage): Promise<readonly string[]> {
  const { events } = await statusOfFirst(stage);
  return events.flatMap((event) => (event.type === 'export-failed' ? [event.code] : []));
}

async function takeDescriptors(stage: Stage, checks: Checks): Promise<void> {
  const { pid } = stage.host;
  const former = /^Max open files +(\d+)/m.exec(readFileSync(`/proc/${pid}/limits`, 'utf8'))?.[1] ?? '1024';
  const limit = readdirSync(`/proc/${pid}/fd`).length + DESCRIPTORS_LEFT;
  const set = (soft: string): void => {
    execFileSync('prlimit', [`--pid=${pid}`, `--nofile=${soft}:`]);
  };
  set(String(limit));
  stage.markInterruption(`FFmpeg killed while the host has ${DESCRIPTORS_LEFT} descriptors left`);
  const isExportedThen = await restart(stage);
  await sleep(4_000);
  if (stage.isTapped) {
    const codes = await refusals(stage);
    checks.add('the video starts without its export', !isExportedThen);
    checks.add('the export is refused with NO_DESCRIPTORS', codes.at(-1) === 'NO_DESCRIPTORS', codes.join());
  }
  set(former);
  stage.markInterruption('FFmpeg killed when there are descriptors again');
  const isExportedAgain = await restart(stage);
  if (stage.isTapped) checks.add('then the camera is exported again', isExportedAgain);
  await sleep(4_000);
}

async function takeThreads(stage: Stage, checks: Checks): Promise<void> {
  const starts = await startsOf(stage);
  const group = new ControlGroup(stage.host.pid, 'tasks');
  try {
    group.limit(group.tasks);
    stage.markInterruption('FFmpeg killed while the host may have no process and no thread more');
    process.kill(await ffmpegPid(stage), 'SIGKILL');
    await sleep(3_000);
    checks.add('no FFmpeg can be started', (await statusOfFirst(stage)).ffmpegPid === null);
    group.limit('max');
    stage.markInterruption('it may again');
    await waitForStart(stage, starts);
    if (stage.isTapped) checks.add('the camera is exported again', await isExported(stage));
    await sleep(4_000);
  } finally {
    group.remove();
  }
}

export const hostLimitCases: readonly Case[] = [
  {
    name: 'host-out-of-descriptors',
    title: 'The host has almost no descriptors left when FFmpeg has to be started again',
    control: null,
    isShort: false,
    requirements: ['G10', 'S2'],
    run: takeDescriptors,
  },
  {
    name: 'host-out-of-threads',
    title: 'The host may have no more threads and processes when FFmpeg has to be started again',
    control: null,
    isShort: false,
    requirements: ['G9', 'G10', 'S2'],
    run: takeThreads,
  },
].flatMap(withTwins);

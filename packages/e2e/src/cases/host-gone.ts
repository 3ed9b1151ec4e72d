/**
 * The whole host process stops or dies, and FFmpeg, its RTP output and its recording do what they do without a tap.
 * MediaSoup runs in a process of its own in the cases that are about FFmpeg. Each has its twin without a tap, and its
 * control: a bare raw pipe, with which FFmpeg stalls or ends.
 */
import { closeSync, constants, openSync, readFileSync, readdirSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PLAYLIST, findFfmpeg, parseFrameMd5, recordedPictures } from '@vas/reference-host';
import { ControlGroup } from '../machine/control-group.js';
import { stopByDebugger } from '../machine/debugger.js';
import type { Case } from '../run/case.js';
import type { Checks } from '../run/check.js';
import { ffmpegPid, startsOf, waitForStart } from '../run/restart.js';
import { defaultCamera, FRAMES_PER_SECOND } from '../run/stage.js';
import type { Stage } from '../run/stage.js';
import { checkRecording } from '../viewer/hls-recording.js';
import { withTwins } from './twins.js';

const GONE_MS = 5_000;
/** How long an FFmpeg that was told to end may take before a host would kill it. */
const ENDING_MS = 3_000;

/** Whether a process runs; `false` once it has ended, also if its stopped parent has not taken notice yet. */
function isRunning(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

/** Tells FFmpeg to end and says how long it took; kills it if it takes too long. */
async function end(pid: number, tell: NodeJS.Signals | (() => void)): Promise<number> {
  const begun = performance.now();
  if (typeof tell === 'function') tell();
  else if (isRunning(pid)) process.kill(pid, tell);
  while (isRunning(pid) && performance.now() - begun < ENDING_MS) await sleep(5);
  const tookMs = performance.now() - begun;
  if (isRunning(pid)) process.kill(pid, 'SIGKILL');
  while (isRunning(pid)) await sleep(5);
  return tookMs;
}

/**
 * The pictures of the recording are those that its FFmpeg decoded, one after the other, from the first to the last. A
 * few that were decoded when FFmpeg was ended may be missing in the digests.
 */
async function checkRecordedFrames(stage: Stage, playlist: string, checks: Checks): Promise<void> {
  const { frameHashDir } = stage.first.hosted;
  if (frameHashDir === null) return;
  const [file = ''] = readdirSync(frameHashDir);
  const decoded = parseFrameMd5(readFileSync(join(frameHashDir, file), 'utf8'));
  const recorded = await recordedPictures(await findFfmpeg(stage.ffmpegPath), playlist, defaultCamera);
  const first = decoded.indexOf(recorded[0]?.hash ?? '');
  const wrong = recorded.findIndex(
    ({ hash }, index) => index < decoded.length - first && hash !== decoded[first + index],
  );
  checks.add(
    'picture by picture it is what its FFmpeg decoded',
    first >= 0 && wrong < 0 && Math.abs(recorded.length - (decoded.length - first)) <= FRAMES_PER_SECOND / 5,
    `${recorded.length} recorded, ${decoded.length} decoded, the first recorded is number ${first + 1}` +
      (wrong < 0 ? '' : `, number ${wrong + 1} differs`),
  );
}

/** What the orphan recorded is whole, up to the moment at which a new host ends it and takes the camera over. */
async function takeOver(stage: Stage, pid: number, checks: Checks): Promise<void> {
  if (!stage.isControl) {
    checks.add('FFmpeg goes on without its host', isRunning(pid));
    stage.markInterruption('taken over by a new host');
    const tookMs = await end(pid, 'SIGTERM');
    checks.addPace('the orphan ends when it is told to', tookMs < ENDING_MS, `${tookMs.toFixed(0)} ms`);
    const playlist = join(stage.first.hosted.recordingDir, PLAYLIST);
    const { errors, jumps, longestStepMs, pictures } = await checkRecording(stage.ffmpegPath, playlist);
    checks.add(
      'its recording has every picture',
      errors.length === 0 && jumps === 0 && longestStepMs <= 1_500 / FRAMES_PER_SECOND,
      `${pictures} pictures, longest step ${longestStepMs.toFixed(0)} ms, ${jumps} jumps, ${errors.join('; ')}`,
    );
    await checkRecordedFrames(stage, playlist, checks);
  } else {
    await end(pid, 'SIGTERM');
  }
  await stage.replaceHost();
  await sleep(stage.recoveryMs - 2_000);
}

async function killHost(stage: Stage, checks: Checks): Promise<void> {
  const pid = await ffmpegPid(stage);
  stage.mark('host killed');
  await stage.host.kill();
  await sleep(GONE_MS);
  await takeOver(stage, pid, checks);
}

async function stopHost(stage: Stage): Promise<void> {
  stage.mark(`host stopped for ${GONE_MS / 1000} s`);
  stage.host.signal('SIGSTOP');
  await sleep(GONE_MS);
  stage.host.signal('SIGCONT');
  stage.mark('continued');
}

async function debugHost(stage: Stage): Promise<void> {
  stage.mark(`host in a debugger for ${GONE_MS / 1000} s`);
  const goOn = await stopByDebugger(stage.host.pid);
  await sleep(GONE_MS);
  await goOn();
  stage.mark('continued');
}

async function starveHost(stage: Stage, checks: Checks): Promise<void> {
  const pid = await ffmpegPid(stage);
  const { host } = stage;
  const group = new ControlGroup(host.pid, 'memory');
  group.limit(256 << 20);
  stage.mark('host eats memory');
  try {
    await host.ask('eatMemory').catch(() => undefined);
    await host.ended();
    checks.add('the kernel ends the host', host.ending === 'SIGKILL', host.ending);
    stage.mark('host ended by its memory limit');
    await sleep(GONE_MS);
  } finally {
    await host.kill();
    group.remove();
  }
  await takeOver(stage, pid, checks);
}

/** Stops the host, tells its FFmpeg to end, and waits until the host goes on and has started it again. */
async function endBesideStoppedHost(
  stage: Stage,
  checks: Checks,
  name: string,
  tell: NodeJS.Signals | (() => void),
): Promise<void> {
  const starts = await startsOf(stage);
  const pid = await ffmpegPid(stage);
  stage.markInterruption(`${name} while the host is stopped`);
  stage.host.signal('SIGSTOP');
  // Long enough for everything between FFmpeg and the host to be full.
  await sleep(1_500);
  const took = await end(pid, tell);
  stage.host.signal('SIGCONT');
  checks.add(
    `FFmpeg ends on ${name}, or at the latest by SIGKILL ${ENDING_MS / 1000} s later`,
    !isRunning(pid),
    took < ENDING_MS ? `${took.toFixed(0)} ms later` : 'only by SIGKILL',
  );
  if (!stage.isTapped) checks.addPace(`without a tap it ends on ${name} by itself`, took < ENDING_MS);
  await waitForStart(stage, starts);
  await sleep(3_000);
}

async function endBySignals(stage: Stage, checks: Checks): Promise<void> {
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    await endBesideStoppedHost(stage, checks, signal, signal);
}

/** The letter comes from another process: its own host cannot write it now. */
async function quit(stage: Stage, checks: Checks): Promise<void> {
  const { commandPipe } = stage.first.hosted;
  if (commandPipe === null) throw new Error('FFmpeg takes no commands');
  await endBesideStoppedHost(stage, checks, '`q`', () => {
    // FFmpeg holds its end: to open this one waits for nobody.
    const pipe = openSync(commandPipe, constants.O_WRONLY | constants.O_NONBLOCK);
    writeSync(pipe, 'q');
    closeSync(pipe);
  });
}

export const hostGoneCases: readonly Case[] = [
  {
    name: 'host-dies',
    title: 'The host is killed (SIGKILL), and a new one takes over 5 s later',
    control: 'the host is killed while FFmpeg writes to a bare pipe',
    isShort: true,
    requirements: ['G9', 'S2'],
    run: killHost,
  },
  {
    name: 'host-stopped',
    title: 'The host is stopped (SIGSTOP) for 5 s',
    control: 'the host is stopped while FFmpeg writes to a bare pipe',
    isShort: true,
    requirements: ['G9', 'S2'],
    run: stopHost,
  },
  {
    name: 'host-debugged',
    title: 'The host is stopped by a debugger (ptrace) for 5 s',
    control: 'a debugger stops the host while FFmpeg writes to a bare pipe',
    isShort: false,
    requirements: ['G9', 'S2'],
    run: debugHost,
  },
  {
    name: 'host-out-of-memory',
    title: 'The host is ended by the memory limit of its control group, and a new one takes over',
    control: null,
    isShort: false,
    requirements: ['G9', 'S2'],
    run: starveHost,
  },
  {
    name: 'ffmpeg-ended-beside-stopped-host',
    title: 'FFmpeg is told to end while the host is stopped',
    control: null,
    isShort: false,
    requirements: ['G9', 'S2'],
    run: endBySignals,
  },
  {
    name: 'ffmpeg-quit-beside-stopped-host',
    title: 'FFmpeg is told to end by the letter `q` on its standard input while the host is stopped',
    control: null,
    isShort: false,
    requirements: ['G9', 'S2'],
    run: quit,
    stage: { takesCommands: true },
  },
].flatMap(withTwins);

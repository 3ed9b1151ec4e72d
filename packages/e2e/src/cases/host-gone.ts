/**
 * The whole host process stops or dies, and FFmpeg, its RTP output and its recording do what they do without a tap.
 * MediaSoup runs apart, as far as these cases are about FFmpeg. Each has its twin without a tap, and its control: a
 * bare raw pipe, with which FFmpeg stalls or ends.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PLAYLIST } from '@vas/reference-host';
import { MemoryGroup } from '../machine/memory-group.js';
import type { Case } from '../run/case.js';
import type { Checks } from '../run/check.js';
import { FRAMES_PER_SECOND } from '../run/stage.js';
import type { Stage } from '../run/stage.js';
import { checkRecording } from '../viewer/hls-recording.js';

const GONE_MS = 5_000;
/** How long an FFmpeg that was told to end may take before a host would kill it. */
const ENDING_MS = 3_000;

async function ffmpegPid(stage: Stage): Promise<number> {
  const pid = (await stage.status()).cameras[0]?.ffmpegPid;
  if (pid == null) throw new Error('FFmpeg does not run');
  return pid;
}

/** Not so once it has ended, also while a stopped parent has not taken notice. */
function isRunning(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

/** Tells FFmpeg to end and says how long it took; kills it if it takes too long. */
async function end(pid: number, signal: NodeJS.Signals): Promise<number> {
  const begun = performance.now();
  if (isRunning(pid)) process.kill(pid, signal);
  while (isRunning(pid) && performance.now() - begun < ENDING_MS) await sleep(5);
  const tookMs = performance.now() - begun;
  if (isRunning(pid)) process.kill(pid, 'SIGKILL');
  while (isRunning(pid)) await sleep(5);
  return tookMs;
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

async function starveHost(stage: Stage, checks: Checks): Promise<void> {
  const pid = await ffmpegPid(stage);
  const { host } = stage;
  const group = MemoryGroup.limit(host.pid, 256 << 20);
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

async function endBesideStoppedHost(stage: Stage, checks: Checks): Promise<void> {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const { starts } = (await stage.status()).cameras[0] ?? { starts: 0 };
    const pid = await ffmpegPid(stage);
    stage.markInterruption(`${signal} while the host is stopped`);
    stage.host.signal('SIGSTOP');
    // Long enough for everything between FFmpeg and the host to be full.
    await sleep(1_500);
    const took = await end(pid, signal);
    stage.host.signal('SIGCONT');
    checks.add(
      `FFmpeg ends on ${signal}, or at the latest by SIGKILL ${ENDING_MS / 1000} s later`,
      !isRunning(pid),
      took < ENDING_MS ? `${took.toFixed(0)} ms after the signal` : 'only by SIGKILL',
    );
    const deadline = Date.now() + 12_000;
    for (;;) {
      const [camera] = (await stage.status()).cameras;
      if ((camera?.starts ?? 0) > starts && camera?.ffmpegPid != null) break;
      if (Date.now() > deadline) throw new Error('the camera did not come back');
      await sleep(50);
    }
    await sleep(3_000);
  }
}

interface Fault {
  readonly name: string;
  readonly title: string;
  readonly control: string | null;
  readonly isShort: boolean;
  readonly run: NonNullable<Case['run']>;
}

/** The case, its twin without a tap, and its control with a bare pipe. */
function withTwins({ name, title, control, isShort, run }: Fault): readonly Case[] {
  const common = { run, isFollowed: false, losesFrames: true };
  const twin: Case = {
    ...common,
    name: `no-tap-${name}`,
    title: `Without a tap: ${title}`,
    requirements: [],
    stage: { tap: 'none', isRouterApart: true },
    isShort: false,
  };
  const controls: Case[] =
    control === null
      ? []
      : [
          {
            ...common,
            name: `control-${name}`,
            title: `Control: ${control}`,
            requirements: [],
            stage: { isRouterApart: true, isTapIsolated: false },
            controlGapMs: 4_000,
            isShort: false,
          },
        ];
  const [compared = twin] = controls;
  const tapped: Case = {
    ...common,
    name,
    title,
    requirements: ['G9', 'S2'],
    stage: { isRouterApart: true },
    comparedWith: compared,
    isShort,
  };
  return [tapped, twin, ...controls];
}

export const hostGoneCases: readonly Case[] = [
  {
    name: 'host-dies',
    title: 'The host is killed (SIGKILL), and a new one takes over 5 s later',
    control: 'the host is killed while FFmpeg writes to a bare pipe',
    isShort: true,
    run: killHost,
  },
  {
    name: 'host-stopped',
    title: 'The host is stopped (SIGSTOP) for 5 s',
    control: 'the host is stopped while FFmpeg writes to a bare pipe',
    isShort: true,
    run: stopHost,
  },
  {
    name: 'host-out-of-memory',
    title: 'The host is ended by the memory limit of its control group, and a new one takes over',
    control: null,
    isShort: false,
    run: starveHost,
  },
  {
    name: 'ffmpeg-ended-beside-stopped-host',
    title: 'FFmpeg is told to end while the host is stopped',
    control: null,
    isShort: false,
    run: endBesideStoppedHost,
  },
].flatMap(withTwins);

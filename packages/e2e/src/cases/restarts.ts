/** FFmpeg, the camera or the host itself goes away and comes back. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ReaderReport } from '../reader/requests.js';
import type { Case } from '../run/case.js';
import type { Checks } from '../run/check.js';
import { ffmpegPid, startsOf, waitForStart } from '../run/restart.js';
import type { Stage } from '../run/stage.js';

/** Waits until the camera's FFmpeg was started once more than `starts` times and its viewers receive video. */
async function waitForRestart(stage: Stage, starts: number, started?: () => Promise<void>): Promise<void> {
  await waitForStart(stage, starts);
  await started?.();
  await sleep(4_000);
  stage.mark('runs again');
  await sleep(stage.recoveryMs - 4_000);
}

function statuses(report: ReaderReport): string[] {
  return report.verdicts.map(({ status }) => status);
}

function checkSameEpoch(report: ReaderReport, checks: Checks): void {
  const seen = statuses(report);
  checks.add('the reader goes on in the same epoch', !seen.includes('new-epoch'), seen.join());
}

async function killFfmpeg(stage: Stage, started?: () => Promise<void>): Promise<void> {
  const starts = await startsOf(stage);
  const pid = await ffmpegPid(stage);
  stage.markInterruption('FFmpeg killed');
  process.kill(pid, 'SIGKILL');
  await waitForRestart(stage, starts, started);
}

/** What an FFmpeg that is started again does to viewers by itself. */
export const noTapFfmpegKilled: Case = {
  name: 'no-tap-ffmpeg-killed',
  title: 'Without a tap: FFmpeg is killed and restarted by the host',
  requirements: [],
  stage: { tap: 'none' },
  isShort: false,
  run: (stage) => killFfmpeg(stage),
};

/** The way out for a server: new consumers have an SSRC, hence sequence numbers and time stamps, of their own. */
export const ffmpegKilledConsumedAnew: Case = {
  name: 'ffmpeg-killed-consumed-anew',
  title: 'FFmpeg is killed and restarted by the host, and every viewer consumes the camera anew',
  requirements: ['S2', 'P2.7'],
  isConsumedAnew: true,
  isShort: false,
  run: (stage) => killFfmpeg(stage, () => stage.consumeAnew()),
};

export const ffmpegKilled: Case = {
  name: 'ffmpeg-killed',
  title: 'FFmpeg is killed and restarted by the host',
  requirements: ['S2', 'P2.7'],
  isFollowed: true,
  isShort: true,
  run: async (stage, checks) => {
    const reader = await stage.reader('follow');
    await killFfmpeg(stage);
    const report = await reader.ask('report');
    const generations = statuses(report).filter((status) => status === 'new-generation').length;
    checks.add(
      'the reader goes on without opening anything again',
      generations === 0,
      statuses(report).join(),
    );
    checkSameEpoch(report, checks);
  },
};

export const cameraDrops: Case = {
  name: 'camera-drops',
  title: 'The camera drops the connection and comes back',
  requirements: ['S2', 'P2.7'],
  isShort: false,
  run: async (stage, checks) => {
    const reader = await stage.reader('follow');
    const starts = await startsOf(stage);
    stage.markInterruption('camera away');
    await stage.first.camera.away();
    await sleep(1_000);
    await stage.first.camera.back();
    await waitForRestart(stage, starts);
    checkSameEpoch(await reader.ask('report'), checks);
  },
};

export const cameraResized: Case = {
  name: 'camera-resized',
  title: 'The camera comes back with another resolution',
  requirements: ['S2', 'P2.7'],
  isShort: true,
  run: async (stage, checks) => {
    const reader = await stage.reader('follow');
    const starts = await startsOf(stage);
    stage.markInterruption('1280x720 becomes 640x360');
    await stage.first.camera.resize({ width: 640, height: 360 });
    await waitForRestart(stage, starts);
    const report = await reader.ask('report');
    checkSameEpoch(report, checks);
    const seen = statuses(report);
    checks.add('the reader learns of the new generation', seen.includes('new-generation'), seen.join());
  },
};

export const hostKilled: Case = {
  name: 'host-killed',
  title: 'The host is killed (SIGKILL) and restarted while a reader stays attached',
  requirements: ['S2', 'P2.6'],
  isFollowed: false,
  isShort: true,
  run: async (stage, checks) => {
    const reader = await stage.reader('follow');
    await sleep(1_000);
    stage.markInterruption('host killed');
    await stage.host.kill();
    await sleep(3_000);
    const orphaned = statuses(await reader.ask('report'));
    checks.add('the reader learns that the writer is gone', orphaned[0] === 'writer-gone', orphaned.join());
    stage.markInterruption('host restarted');
    await stage.replaceHost();
    await sleep(4_000);
    const seen = statuses(await reader.ask('report'));
    checks.add('the reader finds the new export by itself', seen.includes('new-epoch'), seen.join());
  },
};

/** A camera whose FFmpeg ends and is started again by its host. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { CameraStatus } from '../host/requests.js';
import type { Stage } from './stage.js';

const PATIENCE_MS = 12_000;

/** The camera that most cases are about, as its host sees it. */
export async function statusOfFirst(stage: Stage): Promise<CameraStatus> {
  const [camera] = (await stage.status()).cameras;
  if (camera === undefined) throw new Error('the host has no camera');
  return camera;
}

export async function startsOf(stage: Stage): Promise<number> {
  return (await statusOfFirst(stage)).starts;
}

/** The process of the first camera's FFmpeg. */
export async function ffmpegPid(stage: Stage): Promise<number> {
  const { ffmpegPid: pid } = await statusOfFirst(stage);
  if (pid === null) throw new Error('FFmpeg does not run');
  return pid;
}

/** Waits until the camera's FFmpeg was started once more than `starts` times. */
export async function waitForStart(stage: Stage, starts: number): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const camera = await statusOfFirst(stage);
    if (camera.starts > starts && camera.ffmpegPid !== null) return;
    if (Date.now() > deadline) throw new Error('the camera did not come back');
    await sleep(50);
  }
}

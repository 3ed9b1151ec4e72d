/**
 * `npm run demo`: cameras whose decoded frames arrive in other processes, with viewers and a recording that do
 * not notice. Standard output is the table and the summary, or with `--json` one document and nothing else.
 */
import { EventEmitter, once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, rmdirSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createFrameExporter } from '@vas/frame-export';
import { findFfmpeg } from '../ffmpeg/binary.js';
import { DemoCamera } from './demo-camera.js';
import type { ViewerMessage, ViewerTask } from './messages.js';
import { USAGE, parseOptions } from './options.js';
import type { DemoOptions } from './options.js';
import { Worker } from './own-worker.js';
import { cameraProblems, summary } from './report.js';
import type { DemoReport } from './report.js';
import { showLive } from './table.js';

/** A source that shows nothing for this long is not waited for. */
const START_LIMIT_MS = 30_000;
const POLL_MS = 50;

/** Aborts at the first Ctrl-C, SIGTERM or SIGHUP, with the exit code as its reason. A second one ends the demo at once. */
function interruption(): AbortSignal {
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      const exitCode = 128 + constants.signals[signal];
      if (interrupted.signal.aborted) process.exit(exitCode);
      interrupted.abort(exitCode);
    });
  }
  return interrupted.signal;
}

const SHARED_MEMORY = '/dev/shm';
const FOLDER_PREFIX = 'vas-demo-';

/** Removes what demos left that were killed; a demo that still runs keeps its cameras, and so its folder. */
function removeLeftovers(): void {
  for (const name of readdirSync(SHARED_MEMORY).filter((entry) => entry.startsWith(FOLDER_PREFIX))) {
    const baseDir = join(SHARED_MEMORY, name);
    try {
      createFrameExporter({ baseDir, env: { AI_FRAME_EXPORT_ENABLED: 'true' } }).sweep();
      rmdirSync(baseDir);
    } catch {
      // Not empty, or somebody else's.
    }
  }
}

/**
 * A folder in shared memory for this demo alone. It goes when the process does; what `kill -9` leaves is removed by
 * the next demo.
 */
function sharedMemoryFolder(): string {
  removeLeftovers();
  const folder = mkdtempSync(join(SHARED_MEMORY, FOLDER_PREFIX));
  process.once('exit', () => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

/** Starts the viewer and resolves with its ports. */
async function startViewer(
  streams: number,
  onStatus: (message: Extract<ViewerMessage, { streams: unknown }>) => void,
): Promise<{ viewer: Worker; ports: readonly number[] }> {
  const task: ViewerTask = { streams };
  const announcement = new EventEmitter<{ ports: [readonly number[]] }>();
  const announced = once(announcement, 'ports');
  const viewer = new Worker('demo-viewer', task, (message) => {
    const received = message as ViewerMessage;
    if ('ports' in received) announcement.emit('ports', received.ports);
    else onStatus(received);
  });
  await Promise.race([announced, viewer.ended]);
  if (viewer.failure !== null) throw new Error(viewer.failure);
  const [ports] = (await announced) as [readonly number[]];
  return { viewer, ports };
}

async function demo(options: DemoOptions, interrupted: AbortSignal): Promise<DemoReport> {
  const ffmpeg = await findFfmpeg(options.ffmpeg ?? undefined);
  const folder = mkdtempSync(join(tmpdir(), 'vas-demo-'));

  const env = { ...process.env, AI_FRAME_EXPORT_ENABLED: process.env['AI_FRAME_EXPORT_ENABLED'] ?? 'true' };
  const isOn = createFrameExporter({ env }).isEnabled;
  const baseDir = isOn ? sharedMemoryFolder() : null;
  const frameExporter = createFrameExporter({ env, ...(baseDir === null ? {} : { baseDir }) });
  if (!options.isJson) {
    process.stdout.write(
      `FFmpeg ${ffmpeg.version} (${ffmpeg.path})\n` +
        (isOn ? `frame path on, in ${baseDir}\n` : 'frame path off (AI_FRAME_EXPORT_ENABLED): video only\n'),
    );
  }

  const cameras: DemoCamera[] = [];
  const { viewer, ports } = await startViewer(options.cameras, ({ streams }) => {
    for (const [index, camera] of cameras.entries()) camera.viewer = streams[index] ?? null;
  });
  const problems: string[] = [];
  for (const [index, rtpPort] of ports.entries()) {
    const cameraId = `camera-${index + 1}`;
    cameras.push(
      await DemoCamera.start({
        cameraId,
        ffmpeg,
        input: options.input,
        rtpPort,
        frameExporter,
        baseDir,
        folder,
      }),
    );
  }

  const hideLive = options.isJson ? null : showLive(cameras, process.stdout);
  const allFinished = Promise.all(cameras.map((camera) => camera.finished)).then(() => 'finished' as const);
  const begun = await allHavePictures(cameras, allFinished, interrupted);
  await Promise.race([allFinished, delay(options.seconds * 1000, interrupted)]);
  const seconds = (performance.now() - begun) / 1000;

  for (const camera of cameras) if (!camera.hasPictures) problems.push(`${camera.cameraId}: ${camera.state}`);
  await Promise.all(cameras.map((camera) => camera.stop()));
  await viewer.stop();
  hideLive?.();

  frameExporter.close();
  const left = baseDir === null ? [] : readdirSync(baseDir, { recursive: true, encoding: 'utf8' });
  if (left.length > 0) problems.push(`the closed exports left ${left.join(', ')} in shared memory`);
  if (viewer.failure !== null) problems.push(viewer.failure);
  const reports = await Promise.all(cameras.map((camera) => camera.report()));
  problems.push(...cameras.flatMap((camera) => camera.problems), ...reports.flatMap(cameraProblems));
  return {
    ok: problems.length === 0,
    problems,
    framePath: isOn ? 'on' : 'off',
    ffmpeg: { path: ffmpeg.path, version: ffmpeg.version },
    seconds,
    folder,
    cameras: reports,
  };
}

/** Waits until every camera has pictures, and returns when that was; gives up after a while. */
async function allHavePictures(
  cameras: readonly DemoCamera[],
  allFinished: Promise<'finished'>,
  interrupted: AbortSignal,
): Promise<number> {
  const limit = performance.now() + START_LIMIT_MS;
  while (!cameras.every((camera) => camera.hasPictures)) {
    if (interrupted.aborted || performance.now() > limit) break;
    if ((await Promise.race([allFinished, delay(POLL_MS, interrupted)])) === 'finished') break;
  }
  return performance.now();
}

/** Resolves after a while, or at once when the demo is interrupted. */
function delay(ms: number, interrupted: AbortSignal): Promise<void> {
  return sleep(ms, undefined, { signal: interrupted, ref: false }).catch(() => {
    // Interrupted.
  });
}

async function main(): Promise<number> {
  let options: DemoOptions | 'help';
  try {
    options = parseOptions(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    return 2;
  }
  if (options === 'help') {
    process.stdout.write(USAGE);
    return 0;
  }
  const interrupted = interruption();
  let report: DemoReport;
  try {
    report = await demo(options, interrupted);
  } catch (error) {
    if (interrupted.aborted) return Number(interrupted.reason);
    process.stderr.write(
      `the demo could not be shown: ${error instanceof Error ? error.message : String(error)}\n`,
    );
    return 1;
  }
  process.stdout.write(options.isJson ? `${JSON.stringify(report, null, 2)}\n` : summary(report));
  if (interrupted.aborted && !hasMismatch(report)) return Number(interrupted.reason);
  return report.ok ? 0 : 1;
}

/** Too early a Ctrl-C explains everything but this. */
function hasMismatch(report: DemoReport): boolean {
  return report.cameras.some(({ frames }) => frames !== null && frames.mismatched > 0);
}

// What is still running after a failure ends with this process.
process.exit(await main());

/** Several cameras in one host, several faults one after the other. */
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Case } from '../run/case.js';
import type { Checks } from '../run/check.js';
import { FRAMES_PER_SECOND, LOWEST_PRIORITY } from '../run/stage.js';
import type { Stage, StageOptions } from '../run/stage.js';
import { startSpinners } from './readers.js';

const MOST_CAMERAS = 8;
/** Each of the faults has a camera of its own, and one camera has none. */
const FEWEST_CAMERAS = 4;

/**
 * How many cameras are seen by a browser each. Two for each processor leave the machine room without a tap: the report
 * says how much. Eight viewers that decode and draw fill two processors by themselves.
 */
const SEEN_CAMERAS = Math.min(MOST_CAMERAS, Math.max(FEWEST_CAMERAS, 2 * availableParallelism()));

const FAULTS = 'blocked host, killed readers, a closed export, a killed FFmpeg, a lost camera';

function staged(cameras: number): Partial<StageOptions> {
  return { cameras, camera: { width: 640, height: 360, fps: FRAMES_PER_SECOND, keyInt: FRAMES_PER_SECOND } };
}

/** One racing reader for each camera; without a tap processes that spin stand for them. Returns what kills them. */
async function startReaders(stage: Stage): Promise<() => void> {
  if (!stage.isTapped) return startSpinners(stage.cameras.length, LOWEST_PRIORITY);
  const readers = await Promise.all(stage.cameras.map(({ hosted }) => stage.reader('race', hosted.cameraId)));
  return () => {
    for (const reader of readers) reader.signal('SIGKILL');
  };
}

/** The same with a tap and without: only an export that does not exist is not closed. */
async function breakOneByOne(stage: Stage, checks: Checks): Promise<void> {
  const id = (index: number): string => stage.cameras[index]?.hosted.cameraId ?? '';
  const others = stage.isTapped ? 'readers' : 'spinners';
  const killReaders = await startReaders(stage);
  try {
    stage.mark(`${stage.cameras.length} ${others}`);
    await sleep(1_000);
    stage.mark('host blocked for 3 s');
    await stage.host.ask('block', { ms: 3_000 });
  } finally {
    stage.mark(`${others} killed`);
    killReaders();
  }
  if (stage.isTapped) {
    stage.mark(`export of ${id(1)} closed`);
    await stage.host.ask('closeExport', { cameraId: id(1) });
  }
  const { cameras } = await stage.status();
  const pid = cameras[2]?.ffmpegPid;
  if (pid == null) throw new Error('an FFmpeg does not run');
  stage.markInterruption(`FFmpeg of ${id(2)} killed`, [id(2)]);
  process.kill(pid, 'SIGKILL');
  stage.markInterruption(`${id(3)} drops the connection`, [id(3)]);
  await stage.cameras[3]?.camera.drop();
  await sleep(stage.recoveryMs + 1_000);
  const after = (await stage.status()).cameras;
  const running = after.filter(({ ffmpegPid }) => ffmpegPid !== null).length;
  checks.add('every camera runs', running === after.length, `${running} of ${after.length}`);
}

export const eightCameras: Case = {
  name: 'eight-cameras',
  title: `${MOST_CAMERAS} cameras at once: ${FAULTS}`,
  requirements: ['S2', 'S3', 'G1', 'P2.5', 'P2.7'],
  stage: staged(MOST_CAMERAS),
  isShort: false,
  run: breakOneByOne,
};

/** As many cameras as this machine carries with a browser each. */
export const manyCameras: Case = {
  ...eightCameras,
  name: 'many-cameras',
  title: `${SEEN_CAMERAS} cameras at once on ${availableParallelism()} processors: ${FAULTS}`,
  stage: staged(SEEN_CAMERAS),
};

/** What this many cameras do to their viewers by themselves, under the same faults, beside as many other processes. */
export const noTapManyCameras: Case = {
  name: 'no-tap-many-cameras',
  title: `Without a tap: ${SEEN_CAMERAS} cameras at once, the same faults, and processes that only spin in the place of readers`,
  requirements: [],
  stage: { ...staged(SEEN_CAMERAS), tap: 'none' },
  isShort: false,
  run: breakOneByOne,
};

/** What their viewers see of it if somebody taps the cameras the way one writes it in Node. */
export const controlManyCameras: Case = {
  name: 'control-many-cameras',
  title: `Control: ${SEEN_CAMERAS} cameras at once, the same faults, with a Node 'data' handler on each pipe instead of the drain`,
  requirements: [],
  stage: { ...staged(SEEN_CAMERAS), tap: 'data-handler', isTapIsolated: false },
  controlGapMs: 2_000,
  isShort: false,
  run: breakOneByOne,
};

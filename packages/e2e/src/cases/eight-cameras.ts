/** Eight cameras in one host, several faults one after the other. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Case } from '../run/case.js';
import { FRAMES_PER_SECOND, LOWEST_PRIORITY } from '../run/stage.js';
import type { StageOptions } from '../run/stage.js';
import { spin } from './readers.js';

const eight: Partial<StageOptions> = {
  cameras: 8,
  camera: { width: 640, height: 360, fps: FRAMES_PER_SECOND, keyInt: FRAMES_PER_SECOND },
};

/** What so many cameras do to their viewers by themselves, and other work in the place of readers. */
export const noTapEightCameras: Case = {
  name: 'no-tap-eight-cameras',
  title: 'Without a tap: 8 cameras at once, and 8 processes that only spin in the place of readers',
  requirements: [],
  stage: { ...eight, tap: 'none' },
  isShort: false,
  run: (stage) => spin(stage, 8, 4_000, LOWEST_PRIORITY),
};

export const eightCameras: Case = {
  name: 'eight-cameras',
  title: '8 cameras at once: blocked host, killed readers, a closed export, a killed FFmpeg, a lost camera',
  requirements: ['S2', 'S3', 'G1', 'P2.5', 'P2.7'],
  stage: eight,
  isShort: false,
  run: async (stage, checks) => {
    const id = (index: number): string => stage.cameras[index]?.hosted.cameraId ?? '';
    const readers = await Promise.all(
      stage.cameras.map(({ hosted }) => stage.reader('race', hosted.cameraId)),
    );
    stage.mark('8 readers');
    await sleep(1_000);
    stage.mark('host blocked for 3 s');
    await stage.host.ask('block', { ms: 3_000 });
    stage.mark('readers killed');
    for (const reader of readers) reader.signal('SIGKILL');
    stage.mark(`export of ${id(1)} closed`);
    await stage.host.ask('closeExport', { cameraId: id(1) });
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
  },
};

/** The export closes, fails, or cannot be had; the video goes on. */
import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { RtspCamera } from '../camera/rtsp-camera.js';
import type { Case } from '../run/case.js';
import type { Checks } from '../run/check.js';
import type { Stage } from '../run/stage.js';
import { defaultCamera, FRAMES_PER_SECOND } from '../run/stage.js';

async function closeExport(stage: Stage): Promise<void> {
  stage.mark('export closed');
  await stage.host.ask('closeExport', { cameraId: stage.first.hosted.cameraId });
}

/** A closed export without the scratch memory into which a drain reads what it cannot publish. */
export const controlNoScratch: Case = {
  name: 'control-no-scratch',
  title: 'Control: a closed export with the fall-back to scratch memory removed from the drain',
  requirements: [],
  stage: { fault: 'discarding=stop', isTapIsolated: false },
  isFollowed: false,
  controlGapMs: 4_000,
  isShort: true,
  run: async (stage) => {
    await closeExport(stage);
    await sleep(6_000);
  },
};

/** A tap that fails and closes its pipe, as naive ones do: FFmpeg ends, and everything with it. */
export const controlPipeClosed: Case = {
  name: 'control-pipe-closed',
  title: "Control: a Node 'data' handler closes the reading end of the raw pipe",
  requirements: [],
  stage: { tap: 'data-handler', isTapIsolated: false },
  controlGapMs: 1_000,
  isShort: false,
  run: async (stage) => {
    stage.mark('pipe closed');
    await stage.host.ask('closeExport', { cameraId: stage.first.hosted.cameraId });
    await sleep(8_000);
  },
};

export const exportClosed: Case = {
  name: 'export-closed',
  title: 'The export is closed in mid-stream, FFmpeg goes on',
  requirements: ['S2', 'G1', 'P2.6'],
  stage: { isTapIsolated: false },
  comparedWith: controlNoScratch,
  isShort: true,
  run: async (stage, checks) => {
    const reader = await stage.reader('follow');
    await closeExport(stage);
    const files = readdirSync(stage.baseDir);
    checks.add('the files are gone at once', files.length === 0, files.join());
    await sleep(1_000);
    const { verdicts } = await reader.ask('report');
    const statuses = verdicts.map(({ status }) => status);
    checks.add('readers learn that it ended', statuses[0] === 'ended', statuses.join());
    await sleep(4_000);
  },
};

async function checkRefusal(stage: Stage, checks: Checks, codes: readonly string[]): Promise<void> {
  const { cameras } = await stage.status();
  const events = cameras.flatMap((camera) => camera.events);
  const refusals = events.flatMap((event) => (event.type === 'export-failed' ? [event] : []));
  const [first] = refusals;
  checks.add(
    `the export of the camera is refused with ${codes.join(' or ')}`,
    first !== undefined && codes.includes(first.code),
    first === undefined ? 'it was not' : `${first.code}: ${first.message}`,
  );
  checks.add(
    'its video goes on without a raw output',
    cameras[0]?.ffmpegPid != null && cameras[0].source === null,
  );
}

export const shmFull: Case = {
  name: 'shm-full',
  title: 'Shared memory is full when the camera starts',
  requirements: ['S2', 'P2.8'],
  stage: { baseMount: '-t tmpfs -o size=2m,mode=755 none' },
  isFollowed: false,
  isShort: true,
  run: (stage, checks) => checkRefusal(stage, checks, ['NO_SPACE']),
};

export const baseReadOnly: Case = {
  name: 'base-read-only',
  title: 'The base folder is not writable when the camera starts',
  requirements: ['S2', 'P2.8'],
  stage: { baseMount: '-t tmpfs -o ro,mode=755 none' },
  isFollowed: false,
  isShort: false,
  run: (stage, checks) => checkRefusal(stage, checks, ['PERMISSION_DENIED']),
};

export const drainFails: Case = {
  name: 'drain-fails',
  title: 'The drain thread panics when its 200th frame is complete',
  requirements: ['S2', 'G1'],
  // A bare pipe: nothing but the drain keeps FFmpeg from stalling.
  stage: { fault: 'frame-filled=panic@200', isTapIsolated: false },
  isShort: true,
  run: async (stage, checks) => {
    stage.mark('drain panics (about now)');
    await sleep(8_000);
    const { cameras } = await stage.status();
    const statistics = cameras[0]?.statistics;
    checks.add(
      'what comes after the panic is read and thrown away',
      (statistics?.framesDiscarded ?? 0) > FRAMES_PER_SECOND,
      `${statistics?.framesWritten} published, ${statistics?.framesDiscarded} discarded, ${statistics?.drain}`,
    );
  },
};

export const secondHost: Case = {
  name: 'second-host',
  title: 'A second host starts the same camera with the same base folder',
  requirements: ['S2', 'P2.2'],
  stage: { sparePorts: 1 },
  isShort: false,
  run: async (stage, checks) => {
    // With a camera of its own: another client of the first one would disturb that one's time stamps.
    const camera = await RtspCamera.start(defaultCamera);
    try {
      stage.mark('second host');
      const { cameraId } = stage.first.hosted;
      const recordingDir = stage.folder('second');
      const second = await stage.startHost([
        {
          cameraId,
          input: camera.url,
          viewerPorts: stage.sparePorts,
          recordingDir,
          frameHashDir: null,
          commandPipe: null,
          router: null,
        },
      ]);
      await sleep(4_000);
      const { cameras } = await second.ask('status');
      const codes = cameras.flatMap(({ events }) =>
        events.flatMap((event) => (event.type === 'export-failed' ? [event.code] : [])),
      );
      checks.add('the second writer is refused', codes[0] === 'ALREADY_EXPORTED', codes.join());
      const [own] = (await stage.counts()).slice(-1);
      checks.add('its viewer has video all the same', (own?.packets ?? 0) > FRAMES_PER_SECOND, own?.packets);
      await second.ask('stop');
      await second.stop();
    } finally {
      await camera.stop();
    }
    const { cameras: first } = await stage.status();
    checks.add(
      'the first goes on exporting',
      first[0]?.statistics?.drain === 'publishing',
      first[0]?.statistics?.drain,
    );
  },
};

/** A host that dies while it exports: its FFmpeg, with the arguments of the reference host, must not notice. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { rawVideoOutput } from '@vas/frame-export';
import type { RawVideoOutputOptions } from '@vas/frame-export';
import { openFrameSource } from '@vas/frame-export/reader';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { FfmpegBinary } from '../src/ffmpeg/binary.js';
import { ingestArguments } from '../src/ffmpeg/ingest.js';
import { PLAYLIST, outputArguments } from '../src/ffmpeg/outputs.js';
import { parseFrameMd5 } from '../src/frame-hashes.js';
import { ffmpegBinaries, rtpTo, temporaryFolder, udpReceiver, until } from './pipeline.js';

const run = promisify(execFile);
const SIZE = { width: 320, height: 240 };
const FRAMES = 125;

/** A video server in as few lines as it takes: an export, and an FFmpeg that writes into it and outlives it. */
const HOST = `
import { spawn } from 'node:child_process';
import { createFrameExporter } from '@vas/frame-export';
const { baseDir, path, args, cwd } = JSON.parse(process.argv[1]);
const exporter = createFrameExporter({ baseDir, env: { AI_FRAME_EXPORT_ENABLED: 'true' } });
const camera = exporter.openCamera({ cameraId: 'cam', width: ${SIZE.width}, height: ${SIZE.height}, slotCount: 64 });
const ffmpeg = camera.attach((fd) =>
  spawn(path, ['-hide_banner', '-nostdin', '-loglevel', 'error', ...args], {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe', fd],
  }),
);
console.log(ffmpeg.pid);
setInterval(() => {}, 1000);
`;

async function makeFilm(ffmpeg: FfmpegBinary): Promise<string> {
  const file = join(temporaryFolder(), 'film.mp4');
  const source = ['-f', 'lavfi', '-i', `testsrc2=size=${SIZE.width}x${SIZE.height}:rate=25`];
  const encoder = [
    '-frames:v',
    `${FRAMES}`,
    '-c:v',
    'libx264',
    '-preset',
    'ultrafast',
    '-pix_fmt',
    'yuv420p',
  ];
  await run(ffmpeg.path, ['-v', 'error', '-nostdin', ...source, ...encoder, '-g', '25', file]);
  return file;
}

async function argumentsFor(
  ffmpeg: FfmpegBinary,
  film: string,
  raw: Pick<RawVideoOutputOptions, 'form' | 'isIsolated'> | null,
): Promise<string[]> {
  const { port } = await udpReceiver();
  const video = { codec: 'h264', ...SIZE };
  const outputs = {
    rtp: rtpTo(port),
    raw: raw === null ? null : rawVideoOutput({ ...SIZE, ...raw, ffmpegVersion: ffmpeg.versionText }),
  };
  const ingest = ingestArguments({ kind: 'file', path: film }, ffmpeg.options);
  return [...ingest, ...outputArguments(ffmpeg, video, outputs)];
}

/** Whether the process runs; one that has ended and that nobody has asked about does not. */
function isRunning(pid: number): boolean {
  const stat = `/proc/${pid}/stat`;
  try {
    return existsSync(stat) && !/^\d+ \(.*\) Z/.test(readFileSync(stat, 'utf8'));
  } catch {
    return false;
  }
}

/** Starts the host, kills it while frames arrive, and waits for its FFmpeg to end by itself. */
async function killHost(ffmpeg: FfmpegBinary, args: readonly string[], cwd: string): Promise<void> {
  const baseDir = temporaryFolder('/dev/shm');
  const settings = JSON.stringify({ baseDir, path: ffmpeg.path, args, cwd });
  const host = spawn(process.execPath, ['--input-type=module', '-e', HOST, settings], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(host.stdout, 'data')) as [Buffer];
  const pid = Number(line.toString());
  onTestFinished(() => {
    host.kill('SIGKILL');
    if (isRunning(pid)) process.kill(pid, 'SIGKILL');
  });
  const source = openFrameSource({ baseDir, cameraId: 'cam' });
  await until(() => Number(source.lookNewest((_, frame) => frame.frameId).status === 'frame') > 0);
  await sleep(1000);
  expect(source.lookNewest((_, frame) => frame.frameId)).toMatchObject({ status: 'frame' });
  source.close();
  host.kill('SIGKILL');
  await once(host, 'exit');
  await until(() => !isRunning(pid));
}

async function recordedFrames(ffmpeg: FfmpegBinary, recordingDir: string): Promise<(string | undefined)[]> {
  const args = ['-v', 'error', '-nostdin', '-i', join(recordingDir, PLAYLIST), '-map', '0:v:0'];
  const { stdout } = await run(ffmpeg.path, [...args, '-f', 'framemd5', 'pipe:1'], { maxBuffer: 8 << 20 });
  return parseFrameMd5(stdout);
}

describe.each(await ffmpegBinaries())(
  'a host that is killed while FFmpeg $name writes into it',
  ({ ffmpeg }) => {
    it.each([{ form: 'framed' }, { form: 'bare' }] as const)(
      'G9: leaves a recording that is whole, frame by frame that of a run without tap ($form)',
      async ({ form }) => {
        const film = await makeFilm(ffmpeg);
        const [untapped, tapped] = [temporaryFolder(), temporaryFolder()];
        const without = await argumentsFor(ffmpeg, film, null);
        await Promise.all([
          run(ffmpeg.path, ['-hide_banner', '-nostdin', '-loglevel', 'error', ...without], { cwd: untapped }),
          killHost(ffmpeg, await argumentsFor(ffmpeg, film, { form, isIsolated: true }), tapped),
        ]);
        const recorded = await recordedFrames(ffmpeg, tapped);
        expect(recorded).toHaveLength(FRAMES);
        expect(recorded).toEqual(await recordedFrames(ffmpeg, untapped));
        rmSync(tapped, { recursive: true });
      },
    );

    it('takes the recording along where nothing stands between them, which is what the others are measured by', async () => {
      const film = await makeFilm(ffmpeg);
      const tapped = temporaryFolder();
      await killHost(ffmpeg, await argumentsFor(ffmpeg, film, { form: 'bare', isIsolated: false }), tapped);
      expect((await recordedFrames(ffmpeg, tapped)).length).toBeLessThan(FRAMES);
    });
  },
);

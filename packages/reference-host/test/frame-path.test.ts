import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { createFrameExporter } from '@vas/frame-export';
import type { CameraExport, FrameExporter } from '@vas/frame-export';
import { openFrameSource } from '@vas/frame-export/reader';
import type { FrameMetadata } from '@vas/frame-export/types';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { CameraHostOptions } from '../src/camera-host.js';
import { verifyFrames } from '../src/demo/verification.js';
import { outputArguments } from '../src/ffmpeg/outputs.js';
import { FfmpegProcess } from '../src/ffmpeg/process.js';
import { parseFrameMd5, readDecodedRuns } from '../src/frame-hashes.js';
import {
  cameraUrl,
  ffmpegBinaries,
  rtpTo,
  startCamera,
  startHost,
  started,
  temporaryFolder,
  udpReceiver,
  until,
} from './pipeline.js';

interface SeenFrame extends Pick<FrameMetadata, 'frameId' | 'width' | 'height'> {
  readonly hash: string;
}

interface Follower {
  readonly frames: SeenFrame[];
  /** How often another start of the export was found. */
  readonly epochs: number;
}

/** A reader that follows the camera until the test ends. */
function follow(baseDir: string): Follower {
  const source = openFrameSource({ baseDir, cameraId: 'cam' });
  const follower = { frames: [] as SeenFrame[], epochs: source.geometry === null ? 0 : 1 };
  let buffer = new Uint8Array(source.frameSizeBytes);
  const timer = setInterval(() => {
    for (;;) {
      const read = source.copyNext(buffer);
      if (read.status === 'frame') {
        const { frameId, width, height, dataSizeBytes } = read.frame;
        const hash = createHash('md5').update(buffer.subarray(0, dataSizeBytes)).digest('hex');
        follower.frames.push({ frameId, width, height, hash });
      } else if (read.status === 'nothing-newer') return;
      else if (read.status !== 'overwritten') {
        const reopened = source.reopen();
        if (reopened.status !== 'reopened') return;
        buffer = new Uint8Array(source.frameSizeBytes);
        if (reopened.isNewEpoch) follower.epochs += 1;
      }
    }
  }, 5);
  onTestFinished(() => {
    clearInterval(timer);
    source.close();
  });
  return follower;
}

function exporterIn(baseDir: string, flag = 'true'): FrameExporter {
  const exporter = createFrameExporter({ baseDir, env: { AI_FRAME_EXPORT_ENABLED: flag } });
  onTestFinished(() => {
    exporter.close();
  });
  return exporter;
}

function sharedMemoryFolder(): string {
  return temporaryFolder('/dev/shm');
}

async function hostOptions(
  options: Pick<CameraHostOptions, 'ffmpeg' | 'frameExporter'>,
): Promise<{ options: Omit<CameraHostOptions, 'cameraId'>; url: string; packets: () => number }> {
  const url = await cameraUrl();
  const { port, counter } = await udpReceiver();
  return {
    options: {
      ...options,
      ingest: { kind: 'rtsp-listen', url },
      rtp: rtpTo(port),
      recordingDir: temporaryFolder(),
      frameHashDir: temporaryFolder(),
    },
    url,
    packets: () => counter.reception().packets,
  };
}

/** @param mayLack frames whose hash a killed FFmpeg may not have written, though their pictures were out */
function expectBitExact(frames: readonly SeenFrame[], frameHashDir: string | undefined, mayLack = 0): void {
  const { mismatched, unverified } = verifyFrames(frames, readDecodedRuns(String(frameHashDir)));
  expect(mismatched).toBe(0);
  expect(unverified).toBeLessThanOrEqual(mayLack);
}

describe.each(await ffmpegBinaries())('the frame path of a camera with FFmpeg $name', ({ ffmpeg }) => {
  it('S4, P2.7: carries every frame bit-exact, on through a killed FFmpeg and another resolution', async () => {
    const baseDir = sharedMemoryFolder();
    const { options, url } = await hostOptions({ ffmpeg, frameExporter: exporterIn(baseDir) });
    const small = startCamera(ffmpeg, url, 320, 240);
    const { host, events } = startHost(options);
    const reader = follow(baseDir);
    await until(() => reader.frames.length > 30);

    process.kill(host.ffmpegPid ?? Number.NaN, 'SIGKILL');
    await until(() => started(events).length === 2);
    const afterKill = reader.frames.length;
    await until(() => reader.frames.length > afterKill + 30);

    await small.stop();
    startCamera(ffmpeg, url, 480, 272);
    await until(() => started(events).length === 3);
    const afterChange = reader.frames.length;
    await until(() => reader.frames.length > afterChange + 30);
    await host.stop();

    expect(started(events).map(({ isExported, video }) => [isExported, video.width, video.height])).toEqual([
      [true, 320, 240],
      [true, 320, 240],
      [true, 480, 272],
    ]);
    expectBitExact(reader.frames, options.frameHashDir, 8);
    expect(reader.epochs).toBe(1);
    const ids = reader.frames.map(({ frameId }) => frameId);
    expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b));
    expect(new Set(reader.frames.map(({ width, height }) => `${width}x${height}`))).toEqual(
      new Set(['320x240', '480x272']),
    );
    expect(readdirSync(baseDir)).toEqual([]);
  });

  it('keeps the probed size when the camera has another one by the time it is opened', async () => {
    const file = join(temporaryFolder(), 'film.h264');
    writeFileSync(file, await film(ffmpeg.path, 480, 272));
    const video = { codec: 'h264', width: 320, height: 240 };
    const outputs = {
      rtp: rtpTo(9),
      raw: null,
      frameHashFile: 'pipe:1',
    };
    const run = new FfmpegProcess({
      path: ffmpeg.path,
      args: ['-i', file, ...outputArguments(ffmpeg, video, outputs)],
      cwd: temporaryFolder(),
    });
    await run.exited;
    expect(run.output).toContain('#dimensions 0: 320x240');
    expect(parseFrameMd5(run.output)).toHaveLength(50);
  });

  it('keeps the size of its frames when the picture changes in mid-stream', async () => {
    const baseDir = sharedMemoryFolder();
    const { options } = await hostOptions({ ffmpeg, frameExporter: exporterIn(baseDir) });
    const file = join(temporaryFolder(), 'film.h264');
    // Two H.264 streams of different size, one behind the other.
    const halves = await Promise.all([film(ffmpeg.path, 320, 240), film(ffmpeg.path, 480, 272)]);
    writeFileSync(file, Buffer.concat(halves));
    const reader = follow(baseDir);
    const { host } = startHost({ ...options, ingest: { kind: 'file', path: file } });
    await host.finished;
    expect(reader.frames.length).toBeGreaterThan(60);
    expect(new Set(reader.frames.map(({ width, height }) => `${width}x${height}`))).toEqual(
      new Set(['320x240']),
    );
    expectBitExact(reader.frames, options.frameHashDir);
  });
});

const [{ ffmpeg }] = (await ffmpegBinaries()) as [Awaited<ReturnType<typeof ffmpegBinaries>>[number]];

describe('a camera whose export cannot be had', () => {
  it('P2.8: has video without it, says why, and gets it at the next start when nothing is in its way', async () => {
    const baseDir = join(sharedMemoryFolder(), 'base');
    writeFileSync(baseDir, 'not a folder');
    const { options, url, packets } = await hostOptions({ ffmpeg, frameExporter: exporterIn(baseDir) });
    startCamera(ffmpeg, url);
    const { host, events } = startHost(options);
    await until(() => packets() > 50);
    expect(events.find((event) => event.type === 'export-failed')).toMatchObject({
      code: 'BASE_DIR_NOT_A_DIRECTORY',
    });
    expect(started(events)).toMatchObject([{ isExported: false }]);

    rmSync(baseDir);
    process.kill(host.ffmpegPid ?? Number.NaN, 'SIGKILL');
    await until(() => started(events).length === 2);
    expect(started(events)[1], JSON.stringify(events)).toMatchObject({ isExported: true });
    const reader = follow(baseDir);
    await until(() => reader.frames.length > 10);
  });

  it('P2.2: has video without it while another host exports the camera', async () => {
    const baseDir = sharedMemoryFolder();
    const other = exporterIn(baseDir).openCamera({ cameraId: 'cam', width: 64, height: 64 });
    const { options, url, packets } = await hostOptions({ ffmpeg, frameExporter: exporterIn(baseDir) });
    startCamera(ffmpeg, url);
    const { events } = startHost(options);
    await until(() => packets() > 50);
    expect(events.find((event) => event.type === 'export-failed')).toMatchObject({
      code: 'ALREADY_EXPORTED',
    });
    expect(other.publish(new Uint8Array((64 * 64 * 3) / 2))).toBe('published');
  });
});

describe.each([
  ['h264', 'h264', ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv444p']],
  ['mjpeg', 'avi', ['-c:v', 'mjpeg', '-pix_fmt', 'yuvj444p']],
])('a camera of odd size that sends %s', (codec, format, encoder) => {
  it('has its video, and its frames without the last row and column', async () => {
    const file = join(temporaryFolder(), `odd.${format}`);
    writeFileSync(file, await film(ffmpeg.path, 321, 241, [...encoder, '-f', format]));
    const baseDir = sharedMemoryFolder();
    const { options, packets } = await hostOptions({ ffmpeg, frameExporter: exporterIn(baseDir) });
    const reader = follow(baseDir);
    const { host, events } = startHost({ ...options, ingest: { kind: 'file', path: file } });
    await host.finished;
    expect(events).toMatchObject([
      { type: 'ffmpeg-started', isExported: true, video: { codec, width: 321, height: 241 } },
      { type: 'ffmpeg-ended', code: 0 },
      { type: 'stopped' },
    ]);
    expect(packets()).toBeGreaterThan(0);
    expect(new Set(reader.frames.map(({ width, height }) => `${width}x${height}`))).toEqual(
      new Set(['320x240']),
    );
    expectBitExact(reader.frames, options.frameHashDir);
  });
});

describe('a camera whose export misbehaves', () => {
  const broken = new Error('broken');
  const fake = {
    cameraId: 'cam',
    isEnabled: true,
    isClosed: false,
    source: { cameraId: 'cam', path: '/nowhere', layoutVersion: 1 },
    attach: <T>(spawn: (fd: number | null) => T) => spawn(null),
    publish: () => 'closed' as const,
    changeGeometry: () => undefined,
    statistics: () => ({ framesWritten: 0, attachError: null }),
    close: () => undefined,
  };

  it.each<[string, object]>([
    ['throws before FFmpeg was started', { attach: () => fail() }],
    [
      'throws after FFmpeg was started',
      {
        attach: (spawn: (fd: null) => unknown) => {
          spawn(null);
          fail();
        },
      },
    ],
    ['has no statistics', { statistics: () => fail() }],
  ])('G1: has one FFmpeg and its video when the export %s', async (_name, breakage) => {
    const camera = { ...fake, ...breakage } as unknown as CameraExport;
    const frameExporter = { isEnabled: true, openCamera: () => camera } as unknown as FrameExporter;
    const { options, packets } = await hostOptions({ ffmpeg, frameExporter });
    const file = join(temporaryFolder(), 'film.h264');
    writeFileSync(file, await film(ffmpeg.path, 320, 240));
    const { host, events } = startHost({ ...options, ingest: { kind: 'file', path: file } });
    await host.finished;
    expect(events).toMatchObject([
      { type: 'export-failed', message: 'broken' },
      { type: 'ffmpeg-started', isExported: false },
      { type: 'ffmpeg-ended', code: 0 },
      { type: 'stopped' },
    ]);
    expect(packets()).toBeGreaterThan(0);
  });

  function fail(): never {
    throw broken;
  }
});

it('G1: an export that is closed in mid-stream leaves the video alone', async () => {
  const baseDir = sharedMemoryFolder();
  const { options, url, packets } = await hostOptions({ ffmpeg, frameExporter: exporterIn(baseDir) });
  startCamera(ffmpeg, url);
  const { host, events } = startHost(options);
  const reader = follow(baseDir);
  await until(() => reader.frames.length > 10);
  host.cameraExport?.close();
  const [before, pid] = [packets(), host.ffmpegPid];
  await until(() => packets() > before + 200);
  expect(host.ffmpegPid).toBe(pid);
  expect(started(events)).toHaveLength(1);
  const seen = reader.frames.length;
  await sleep(200);
  expect(reader.frames).toHaveLength(seen);
});

it('G4: with the flag off FFmpeg has the video outputs only, and shared memory stays empty', async () => {
  const baseDir = sharedMemoryFolder();
  const { options, url, packets } = await hostOptions({
    ffmpeg,
    frameExporter: exporterIn(baseDir, 'false'),
  });
  startCamera(ffmpeg, url);
  const { host, events } = startHost({ ...options, frameHashDir: undefined });
  await until(() => packets() > 50);
  expect(started(events)).toMatchObject([{ isExported: false }]);
  expect(host.cameraExport?.isEnabled).toBe(false);
  expect(readdirSync(baseDir)).toEqual([]);
});

/** Two seconds of a test picture, a bare H.264 stream unless told otherwise. */
async function film(
  path: string,
  width: number,
  height: number,
  encoder = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-f', 'h264'],
): Promise<Buffer> {
  const source = ['-f', 'lavfi', '-i', `testsrc=size=${width}x${height}:rate=25`, '-t', '2'];
  const { stdout } = await promisify(execFile)(
    path,
    ['-v', 'error', '-nostdin', ...source, '-g', '25', ...encoder, 'pipe:1'],
    { encoding: 'buffer', maxBuffer: 64 << 20 },
  );
  return stdout;
}

/** The arguments for the raw output, as the documents show them, with real FFmpegs and cameras that misbehave. */
import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { compileFunction } from 'node:vm';
import * as frameExport from '@vas/frame-export';
import { createFrameExporter, rawVideoOutput } from '@vas/frame-export';
import type { CameraExport, FrameExporter, FrameSourceRef, RawVideoOutputOptions } from '@vas/frame-export';
import { openFrameSource } from '@vas/frame-export/reader';
import ts from 'typescript';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { FfmpegBinary } from '../src/ffmpeg/binary.js';
import { parseFrameMd5 } from '../src/frame-hashes.js';
import { ffmpegBinaries, temporaryFolder, until } from './pipeline.js';

const run = promisify(execFile);
const SIZE = { width: 320, height: 240 };
const GAP = 'a gap of two seconds';
const FULL_RANGE = 'a full range of luma';

function document(path: string): string {
  return readFileSync(fileURLToPath(new URL(`../../../${path}`, import.meta.url)), 'utf8');
}

function example(path: string, name: string): string {
  return new RegExp(`<!-- example: ${name} -->\n\`\`\`\\w+\n([^]*?)\`\`\``).exec(document(path))?.[1] ?? '';
}

/** Arguments as a shell would take them. */
function words(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
}

function openExporter(): FrameExporter {
  const env = { AI_FRAME_EXPORT_ENABLED: 'true' };
  const exporter = createFrameExporter({ baseDir: temporaryFolder('/dev/shm'), env });
  onTestFinished(() => {
    exporter.close();
  });
  return exporter;
}

/** Hashes and times in milliseconds of all frames that the ring holds, oldest first, and what their luma spans. */
function exportedFrames(ref: FrameSourceRef): {
  hashes: string[];
  times: (number | null)[];
  luma: [number, number];
} {
  const source = openFrameSource(ref);
  const picture = new Uint8Array(source.frameSizeBytes);
  const [hashes, times, luma]: [string[], (number | null)[], [number, number]] = [[], [], [255, 0]];
  for (let read = source.copyNext(picture); read.status === 'frame'; read = source.copyNext(picture)) {
    const ns = read.frame.sourceTimestampNs;
    times.push(ns === null ? null : Number(ns / 1_000_000n));
    hashes.push(createHash('md5').update(picture).digest('hex'));
    for (const y of picture.subarray(0, SIZE.width * SIZE.height)) {
      luma[0] = Math.min(luma[0], y);
      luma[1] = Math.max(luma[1], y);
    }
  }
  source.close();
  return { hashes, times, luma };
}

/** Films of two seconds at 25 frames per second, each of which once gave wrong frames, or no video at all. */
const CAMERAS: readonly { readonly name: string; readonly film: readonly string[] }[] = [
  { name: 'two video streams', film: [...testPicture('640x480'), ...testPicture('320x240'), ...both()] },
  {
    name: GAP,
    film: [...testPicture('320x240'), '-vf', String.raw`setpts=PTS+gte(N\,25)*2/TB`, ...ffv1()],
  },
  { name: 'another size', film: [...testPicture('480x272'), ...ffv1()] },
  { name: FULL_RANGE, film: [...testPicture('320x240'), '-pix_fmt', 'yuvj420p', '-c:v', 'mjpeg'] },
  { name: 'an odd size', film: [...testPicture('321x241'), '-pix_fmt', 'yuvj444p', '-c:v', 'mjpeg'] },
];

function testPicture(size: string): string[] {
  return ['-t', '2', '-f', 'lavfi', '-i', `testsrc=size=${size}:rate=25`];
}

function ffv1(): string[] {
  return ['-vsync', 'passthrough', '-c:v', 'ffv1', '-pix_fmt', 'yuv420p'];
}

function both(): string[] {
  return ['-map', '0:v', '-map', '1:v', ...ffv1()];
}

async function makeFilm(film: readonly string[]): Promise<string> {
  const file = join(temporaryFolder(), 'film.mkv');
  await run((await ffmpegBinaries())[0]?.ffmpeg.path ?? 'ffmpeg', ['-v', 'error', '-nostdin', ...film, file]);
  return file;
}

/** The arguments with a queue for the whole film: a machine that stands still for a moment loses no frame of it. */
function patient(raw: readonly string[]): string[] {
  return raw.map((arg, index) => (raw[index - 1] === '-queue_size' ? '50' : arg));
}

/** The hashes that FFmpeg itself makes of the frames of such an output. */
async function ownHashes(ffmpeg: FfmpegBinary, file: string): Promise<(string | undefined)[]> {
  const { versionText: ffmpegVersion } = ffmpeg;
  const bare = rawVideoOutput({ ...SIZE, ffmpegVersion, form: 'bare', isIsolated: false }).slice(0, -3);
  const args = ['-v', 'error', '-nostdin', '-i', file, ...bare, '-f', 'framemd5', 'pipe:1'];
  const { stdout } = await run(ffmpeg.path, args, { maxBuffer: 4 << 20 });
  return parseFrameMd5(stdout);
}

describe.each(await ffmpegBinaries())('the raw output of FFmpeg $name', ({ ffmpeg }) => {
  it.each(CAMERAS)(
    'G11, P2.14: has each frame of a camera with $name once, in the exported size, in every form',
    async ({ name, film }) => {
      const file = await makeFilm(film);
      const expected = await ownHashes(ffmpeg, file);
      const exporter = openExporter();
      const play = async (options: Pick<RawVideoOutputOptions, 'form' | 'isIsolated'>): Promise<void> => {
        const cameraId = `${options.form}-${options.isIsolated}`;
        const camera = exporter.openCamera({ cameraId, ...SIZE, slotCount: 64 });
        const raw = patient(rawVideoOutput({ ...SIZE, ffmpegVersion: ffmpeg.versionText, ...options }));
        const child = camera.attach((fd) =>
          spawn(ffmpeg.path, ['-v', 'error', '-nostdin', '-re', '-i', file, ...raw], {
            stdio: ['ignore', 'inherit', 'inherit', fd ?? 'ignore'],
          }),
        );
        expect(await once(child, 'exit')).toEqual([0, null]);
        await until(() => camera.statistics().drain === 'detached');
        const { hashes, times, luma } = exportedFrames(camera.source);
        expect(hashes).toHaveLength(50);
        expect(hashes).toEqual(expected);
        expect(camera.statistics()).toMatchObject({
          framesWritten: 50,
          framesIncomplete: 0,
          framesDiscarded: 0,
          streamDamages: 0,
        });
        // Each film has 25 frames a second, and one of them a gap.
        const gapMs = name === GAP ? 2000 : 0;
        const sent = hashes.map((_, index) => index * 40 + (index < 25 ? 0 : gapMs));
        expect(times).toEqual(options.form === 'framed' ? sent : hashes.map(() => null));
        if (name !== FULL_RANGE) return;
        // Black is 16 and white 235 in limited range, give or take what the codec does to them.
        expect(luma[0]).toBeGreaterThan(11);
        expect(luma[1]).toBeLessThan(241);
      };
      await Promise.all([
        play({ form: 'framed', isIsolated: true }),
        play({ form: 'bare', isIsolated: true }),
        play({ form: 'bare', isIsolated: false }),
      ]);
    },
  );

  it('G11: is started by the lines of the integration guide, and its frames arrive', async () => {
    const file = await makeFilm(CAMERAS[0]?.film ?? []);
    const recording = join(temporaryFolder(), 'recording.mkv');
    let camera: CameraExport | undefined;
    const ended: Promise<unknown>[] = [];
    const seen: string[] = [];
    const exporter = openExporter();
    const server = {
      ...frameExport,
      createFrameExporter: (): Pick<FrameExporter, 'openCamera' | 'close'> => ({
        openCamera: (options) => (camera = exporter.openCamera({ ...options, slotCount: 64 })),
        close: () => {
          seen.push('exporter closed');
        },
      }),
      spawn: (_name: string, args: string[], options: { stdio: ('ignore' | number)[] }) => {
        const child = spawn(ffmpeg.path, args, options);
        ended.push(once(child, 'exit'));
        return child;
      },
      log: { warn: (text: string) => seen.push(text) },
      stdio: ['ignore', 'ignore', 'ignore'],
      args: ['-v', 'error', '-nostdin', '-re', '-i', file, '-map', '0:v:0', '-c', 'copy', recording],
      ...SIZE,
      cameraId: 'cam',
      ffmpegVersion: ffmpeg.versionText,
    };
    const [beforeStop = '', stop = ''] = guideCode().split(/(?=^camera\?\.close)/m);
    // One function for the two parts, as they share their variables.
    const start = compileFunction(
      `${beforeStop}; return () => { ${stop} };`,
      Object.keys(server),
    ) as unknown as (...values: unknown[]) => () => void;
    const stopCamera = start(...Object.values(server));
    await Promise.all(ended);
    await until(() => camera?.statistics().drain === 'detached');
    const { hashes } = camera === undefined ? { hashes: [] } : exportedFrames(camera.source);
    expect(hashes).toEqual(await ownHashes(ffmpeg, file));
    stopCamera();
    expect(camera?.isClosed).toBe(true);
    expect(seen).toEqual(['exporter closed']);
  });
});

/** The lines of the guide as JavaScript, without the import, whose names are the server's here. */
function guideCode(): string {
  const lines = example('docs/integrating-with-vas.md', 'host').replace(/^import .*$/m, '');
  const compilerOptions = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext };
  return ts.transpileModule(lines, { compilerOptions }).outputText;
}

describe('the arguments that the documents show', () => {
  const modern = 'ffmpeg version 5.1.9-0+deb12u1 Copyright (c) 2000-2026 the FFmpeg developers';

  it('G11: in the integration guide are those of the function', () => {
    expect(words(example('docs/integrating-with-vas.md', 'output'))).toEqual(
      rawVideoOutput({ width: 640, height: 360, ffmpegVersion: modern }),
    );
  });

  it('G11: in the documentation of the drain are those of the function', () => {
    const args = /let args = \[([^]*?)\n\/\/! \];/.exec(document('rust-shm/drain/src/lib.rs'))?.[1] ?? '';
    expect([...args.matchAll(/"([^"]*)"/g)].map(([, word]) => word)).toEqual(
      rawVideoOutput({ width: 1920, height: 1080, ffmpegVersion: modern, descriptor: 1 }),
    );
  });
});

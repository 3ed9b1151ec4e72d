import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { openFrameSource } from '@vas/frame-export/reader';
import { decode } from 'fast-png';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { DemoReport } from '../src/demo/report.js';
import { findFfmpeg } from '../src/ffmpeg/binary.js';
import { temporaryFolder, until } from './pipeline.js';

const ROOT_COMMAND = fileURLToPath(new URL('../../../scripts/run.mjs', import.meta.url));
const DEMO = fileURLToPath(new URL('../dist/demo.js', import.meta.url));

interface DemoRun {
  readonly child: ChildProcess;
  readonly ended: Promise<{ code: number | null; stdout: string; stderr: string }>;
  /** What the demo has in shared memory now. */
  sharedMemory: () => string[];
}

/** Starts the built demo with a temporary folder of its own. */
function startDemo(args: readonly string[], env: NodeJS.ProcessEnv = {}): DemoRun {
  const folder = temporaryFolder();
  const before = new Set(readdirSync('/dev/shm'));
  const child = spawn(process.execPath, [DEMO, ...args], {
    env: { ...process.env, AI_FRAME_EXPORT_ENABLED: undefined, TMPDIR: folder, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  return {
    child,
    ended: new Promise((resolve) => {
      child.once('close', (code) => {
        resolve({ code, stdout, stderr });
      });
    }),
    sharedMemory: () =>
      readdirSync('/dev/shm').filter((name) => name.startsWith('vas-demo-') && !before.has(name)),
  };
}

/** Runs the demo to its end; whatever happened, nothing of it is left in shared memory. */
async function runDemo(
  args: readonly string[],
  env?: NodeJS.ProcessEnv,
): Promise<{ code: number | null; report: DemoReport; stderr: string }> {
  const demo = startDemo([...args, '--json'], env);
  const { code, stdout, stderr } = await demo.ended;
  expect(demo.sharedMemory()).toEqual([]);
  return { code, report: JSON.parse(stdout) as DemoReport, stderr };
}

describe('the demo', () => {
  it('S4: shows two cameras whose frames arrive bit-exact in another process', async () => {
    const { code, report, stderr } = await runDemo(['--cameras', '2', '--seconds', '3']);
    expect(stderr).toBe('');
    expect(report).toMatchObject({ ok: true, problems: [], framePath: 'on' });
    expect(code).toBe(0);
    expect(report.cameras.map(({ cameraId }) => cameraId)).toEqual(['camera-1', 'camera-2']);
    for (const { frames, rtp, recording, png, video } of report.cameras) {
      expect(frames?.read).toBeGreaterThan(50);
      expect(frames).toMatchObject({ verified: frames?.read, mismatched: 0, unverified: 0 });
      // By RTSP: most frames were read while the recording ran, and none has another time than there.
      expect(frames?.times?.compared).toBeGreaterThan(50);
      expect(frames?.times).toMatchObject({ disagreeing: 0 });
      expect(rtp.packets).toBeGreaterThan(100);
      expect(recording.segments).toBeGreaterThan(0);
      expect(readFileSync(recording.playlist, 'utf8')).toContain('#EXT-X-ENDLIST');
      const picture = decode(readFileSync(String(png)));
      expect(picture).toMatchObject({ width: video?.width, height: video?.height, channels: 3 });
      // The test picture is colourful.
      expect(new Set(picture.data).size).toBeGreaterThan(20);
    }
  });

  it('P2.14: shows a file whose frames have the presentation times of its recording, uneven ones', async () => {
    const { path } = await findFfmpeg();
    const film = join(temporaryFolder(), 'film.mp4');
    const source = ['-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=25:duration=4'];
    // Pictures are left out here and there, and shown in another order than they are stored.
    const uneven = ['-vf', "select='mod(n,7)*mod(n,11)'", '-vsync', 'vfr', '-c:v', 'libx264', '-bf', '2'];
    const { status } = spawnSync(path, ['-v', 'error', '-nostdin', ...source, ...uneven, '-g', '12', film]);
    expect(status).toBe(0);
    const { code, report } = await runDemo(['--input', film, '--seconds', '20']);
    expect(report).toMatchObject({ ok: true, problems: [] });
    const frames = report.cameras[0]?.frames;
    expect(frames).toMatchObject({ verified: frames?.read, mismatched: 0, unverified: 0 });
    expect(frames?.times?.compared).toBeGreaterThan(50);
    expect(frames?.times).toMatchObject({ disagreeing: 0 });
    // Matroska has whole milliseconds.
    expect(frames?.times?.largestDifferenceMs).toBeLessThanOrEqual(1);
    expect(code).toBe(0);
  });

  it('works in a temporary folder with a percent sign in its name', async () => {
    const folder = join(temporaryFolder(), '50%d');
    mkdirSync(folder);
    const { code, report } = await runDemo(['--seconds', '1'], { TMPDIR: folder });
    expect(report).toMatchObject({ ok: true, problems: [] });
    expect(report.cameras[0]?.recording.playlist.startsWith(folder)).toBe(true);
    expect(code).toBe(0);
  });

  it('needs no FFmpeg on the PATH', async () => {
    const { code, report } = await runDemo(['--seconds', '1'], { PATH: '' });
    expect(report).toMatchObject({ ok: true, problems: [] });
    expect(report.ffmpeg.path).toContain('@ffmpeg-installer');
    expect(code).toBe(0);
  });

  it('fails when a frame is not what FFmpeg decoded', async () => {
    const ffmpeg = await findFfmpeg();
    const liar = join(temporaryFolder(), 'ffmpeg');
    // Hashes the frames with their chroma swapped.
    writeFileSync(
      liar,
      `#!/bin/bash
seen=0
for arg in "$@"; do
  if [ "$arg" = nv12 ] && [ $((seen += 1)) = 2 ]; then arg=nv21; fi
  args+=("$arg")
done
exec '${ffmpeg.path}' "\${args[@]}"
`,
    );
    chmodSync(liar, 0o755);
    const { code, report } = await runDemo(['--seconds', '1', '--ffmpeg', liar]);
    const [camera] = report.cameras;
    expect(camera?.frames).toMatchObject({ verified: 0, mismatched: camera?.frames?.read, unverified: 0 });
    expect(report.problems).toEqual([`camera-1: ${camera?.frames?.read} frames are not what FFmpeg decoded`]);
    expect(code).toBe(1);
  });

  it('P2.15: takes no frame for a wrong one because FFmpeg dropped others while the host was stopped', async () => {
    const demo = startDemo(['--seconds', '8', '--json']);
    await until(() => demo.sharedMemory().length > 0);
    const baseDir = join('/dev/shm', String(demo.sharedMemory()[0]));
    const source = openFrameSource({ baseDir, cameraId: 'camera-1' });
    onTestFinished(() => {
      source.close();
    });
    await until(() => {
      source.reopen();
      return source.health().frameAgeMs !== null;
    });
    demo.child.kill('SIGSTOP');
    await sleep(2000);
    demo.child.kill('SIGCONT');
    const { code, stdout } = await demo.ended;
    const report = JSON.parse(stdout) as DemoReport;
    const frames = report.cameras[0]?.frames;
    expect(report).toMatchObject({ ok: true, problems: [] });
    expect(frames).toMatchObject({ verified: frames?.read, mismatched: 0, unverified: 0 });
    expect(frames?.dropped).toBeGreaterThan(0);
    expect(code).toBe(0);
  });

  it('G4: runs the same pipeline without the frame path, loading nothing native, when the flag is off', async () => {
    const demo = startDemo(['--seconds', '3'], { AI_FRAME_EXPORT_ENABLED: 'false' });
    const maps = `/proc/${demo.child.pid}/maps`;
    let mapped = '';
    const watch = setInterval(() => {
      if (existsSync(maps)) mapped += readFileSync(maps, 'utf8');
    }, 200);
    const { code, stdout } = await demo.ended;
    clearInterval(watch);
    expect(stdout).toContain('frame path off (AI_FRAME_EXPORT_ENABLED): video only');
    expect(stdout).toContain('All is well.');
    expect(code).toBe(0);
    expect(mapped).toContain(process.execPath);
    expect(mapped).not.toMatch(/vas-frame-export|\/dev\/shm/);
  });

  it('stops at Ctrl-C with its summary and leaves no process and no shared memory', async () => {
    const demo = startDemo(['--seconds', '600']);
    await until(() => demo.sharedMemory().length > 0);
    const children = `/proc/${demo.child.pid}/task/${demo.child.pid}/children`;
    await until(() => readFileSync(children, 'utf8').split(' ').length > 4);
    const pids = readFileSync(children, 'utf8').trim().split(' ');
    demo.child.kill('SIGINT');
    const { code, stdout } = await demo.ended;
    expect(code).toBe(130);
    expect(stdout).toContain('with FFmpeg');
    expect(demo.sharedMemory()).toEqual([]);
    expect(pids.filter((pid) => existsSync(`/proc/${pid}`))).toEqual([]);
  });

  it('ends when the root command is told to end, and leaves nothing in shared memory', async () => {
    const folder = temporaryFolder();
    // The packages are built already.
    writeFileSync(join(folder, 'npm'), '#!/bin/sh\n');
    chmodSync(join(folder, 'npm'), 0o755);
    const before = new Set(readdirSync('/dev/shm'));
    const sharedMemory = (): string[] =>
      readdirSync('/dev/shm').filter((name) => name.startsWith('vas-demo-') && !before.has(name));
    const command = spawn(process.execPath, [ROOT_COMMAND, 'demo', '--seconds', '600'], {
      env: { ...process.env, PATH: `${folder}:${process.env['PATH']}`, TMPDIR: folder },
      stdio: 'ignore',
    });
    onTestFinished(() => {
      command.kill('SIGKILL');
    });
    await until(() => sharedMemory().length > 0);
    command.kill('SIGTERM');
    expect(await once(command, 'close')).toEqual([143, null]);
    expect(sharedMemory()).toEqual([]);
  });

  it('removes at its start what a demo that was killed left in shared memory', async () => {
    const killed = startDemo(['--seconds', '600']);
    await until(() => killed.sharedMemory().some((name) => readdirSync(`/dev/shm/${name}`).length > 0));
    const left = killed.sharedMemory();
    killed.child.kill('SIGKILL');
    await killed.ended;
    expect(left.filter((name) => existsSync(`/dev/shm/${name}`))).toEqual(left);
    expect((await startDemo(['--seconds', '1', '--json']).ended).code).toBe(0);
    expect(left.filter((name) => existsSync(`/dev/shm/${name}`))).toEqual([]);
  });

  it('ends with a sentence and exit code 1 when there is nothing to show it with', async () => {
    const { code, stdout, stderr } = await startDemo(['--ffmpeg', '/nowhere/ffmpeg']).ended;
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^the demo could not be shown: .*\/nowhere\/ffmpeg/);
  });

  it('explains its options, and exits with 2 for those it does not know', async () => {
    expect(await startDemo(['--help']).ended).toMatchObject({ code: 0, stderr: '' });
    const { code, stdout, stderr } = await startDemo(['--frames', '3']).ended;
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('usage: npm run demo');
  });
});

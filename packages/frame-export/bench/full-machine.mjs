// More cameras than two cores can serve: what that does to the host's event loop, and what is dropped. Each FFmpeg has
// the video, which goes nowhere and is counted, and the raw output of the documented arguments.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { rawVideoOutput } from '@vas/frame-export';

const [WIDTH, HEIGHT, RATE] = [1280, 720, 25];
const MEASURED_MS = 15_000;

/** Starts FFmpegs whose raw output goes to the descriptor that `tap` hands out, and measures this process. */
async function measure(count, tap, act) {
  const ffmpegVersion = execFileSync('ffmpeg', ['-version'], { encoding: 'utf8' });
  const input = ['-re', '-f', 'lavfi', '-i', `color=size=${WIDTH}x${HEIGHT}:rate=${RATE},format=nv12`];
  const video = ['-map', '0:v:0', '-c:v', 'wrapped_avframe', '-f', 'null', '-'];
  const raw = rawVideoOutput({ width: WIDTH, height: HEIGHT, ffmpegVersion });
  const args = ['-v', 'error', '-nostdin', '-progress', 'pipe:1', ...input, ...video, ...raw];
  const videos = Array.from({ length: count }, (_, index) => {
    const child = tap(index, (fd) => spawn('ffmpeg', args, { stdio: ['ignore', 'pipe', 'ignore', fd] }));
    const one = { child, frames: 0 };
    child.stdout.setEncoding('utf8').on('data', (text) => {
      for (const [, frames] of text.matchAll(/^frame= *(\d+)/gm)) one.frames = Number(frames);
    });
    return one;
  });
  // All of them must have begun, and that takes a machine of two cores half a minute.
  const deadline = performance.now() + 60_000;
  while (videos.some(({ frames }) => frames === 0) && performance.now() < deadline) await sleep(200);
  const framesBefore = videos.reduce((sum, { frames }) => sum + frames, 0);
  const histogram = monitorEventLoopDelay({ resolution: 10 });
  histogram.enable();
  const began = performance.now();
  const acted = await act(began + MEASURED_MS);
  const seconds = (performance.now() - began) / 1000;
  histogram.disable();
  const frames = videos.reduce((sum, one) => sum + one.frames, 0) - framesBefore;
  await Promise.all(
    videos.map(({ child }) => {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      return ended;
    }),
  );
  return {
    loopP50Ms: histogram.percentile(50) / 1e6,
    loopP99Ms: histogram.percentile(99) / 1e6,
    videoFramesPerSecond: frames / seconds / count,
    ...acted,
  };
}

/** The loop of this process, and the frames of the video, beside `count` FFmpegs with and without export. */
export async function fullMachine(exporter, count) {
  const nowhere = openSync('/dev/null', 'w');
  const without = await measure(
    count,
    (_, start) => start(nowhere),
    (until) => sleep(until - performance.now()),
  );
  const cameras = Array.from({ length: count }, (_, index) =>
    exporter.openCamera({ cameraId: `full-${index}`, width: WIDTH, height: HEIGHT }),
  );
  const written = () => cameras.reduce((sum, camera) => sum + camera.statistics().framesWritten, 0);
  const withExport = await measure(
    count,
    (index, start) => cameras[index].attach(start),
    async (until) => {
      const [began, before] = [performance.now(), written()];
      const callsMs = [];
      // A camera that comes and goes, as one does every second among so many.
      while (performance.now() < until) {
        await sleep(1000);
        const opening = performance.now();
        const camera = exporter.openCamera({ cameraId: 'comes-and-goes', width: WIDTH, height: HEIGHT });
        const opened = performance.now();
        await sleep(100);
        const closing = performance.now();
        camera.close();
        callsMs.push(opened - opening, performance.now() - closing);
      }
      callsMs.sort((a, b) => a - b);
      const perSecond = (written() - before) / ((performance.now() - began) / 1000) / count;
      return {
        exportedFramesPerSecond: perSecond,
        callMedianMs: callsMs[callsMs.length >> 1],
        callLongestMs: callsMs.at(-1),
      };
    },
  );
  for (const camera of cameras) camera.close();
  return { count, without, withExport };
}

// What export costs a Node process: `node bench/run.mjs [--json]`. Ratios where there is something to compare with.
// What publishing, reading and draining cost against memcpy and a bare read loop is measured in rust-shm (cargo bench).
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createFrameExporter } from '@vas/frame-export';
import { openFrameSource } from '@vas/frame-export/reader';

const SIZES = [
  [640, 360],
  [1920, 1080],
  [3840, 2160],
];
const ON = { AI_FRAME_EXPORT_ENABLED: 'true' };

const baseDir = mkdtempSync('/dev/shm/vas-bench-');
process.on('exit', () => rmSync(baseDir, { recursive: true, force: true }));
const exporter = createFrameExporter({ baseDir, env: ON });

const quantile = (sorted, share) => sorted[Math.floor((sorted.length - 1) * share)];

/** Nanoseconds per call, median and p99 over batches; the calls take turns, so that the machine's noise hits all alike. */
function measure(calls, { batch, rounds }) {
  const samples = Object.entries(calls).map(([name, call]) => ({ name, call, times: [] }));
  for (let round = -20; round < rounds; round += 1) {
    for (const { call, times } of samples) {
      const began = process.hrtime.bigint();
      for (let i = 0; i < batch; i += 1) call();
      if (round >= 0) times.push(Number(process.hrtime.bigint() - began) / batch);
    }
  }
  return Object.fromEntries(
    samples.map(({ name, times }) => {
      times.sort((a, b) => a - b);
      return [name, { median: quantile(times, 0.5), p99: quantile(times, 0.99) }];
    }),
  );
}

function memory([width, height]) {
  const camera = exporter.openCamera({ cameraId: `memory-${width}`, width, height });
  const source = openFrameSource(camera.source);
  const sizeBytes = source.frameSizeBytes;
  const picture = new Uint8Array(sizeBytes).fill(1);
  const into = new Uint8Array(sizeBytes).fill(1);
  // As many places taking turns as the ring has slots, so that caches treat both alike.
  const places = Array.from({ length: 4 }, () => new Uint8Array(sizeBytes).fill(1));
  let turn = 0;
  const copies = measure(
    {
      plainWrite: () => places[++turn & 3].set(picture),
      plainRead: () => into.set(places[turn & 3]),
      publish: () => camera.publish(picture),
      copy: () => source.copyNewest(into),
    },
    { batch: 1, rounds: Math.max(300, Math.round(1e9 / sizeBytes)) },
  );
  const frameId = source.lastFrameId;
  const { look } = measure(
    { look: () => source.lookAt((bytes) => bytes[0], frameId) },
    { batch: 1000, rounds: 300 },
  );
  source.close();
  camera.close();
  const ratio = (name, plain) => ({
    median: copies[name].median / copies[plain].median,
    p99: copies[name].p99 / copies[plain].p99,
  });
  return {
    size: `${width}x${height}`,
    publishToPlainCopy: ratio('publish', 'plainWrite'),
    copyToPlainCopy: ratio('copy', 'plainRead'),
    lookNs: look,
  };
}

function disabled() {
  const camera = createFrameExporter({ env: {} }).openCamera({ cameraId: 'off', width: 1920, height: 1080 });
  const picture = new Uint8Array(16);
  const spawned = () => 0;
  return measure(
    {
      nothing: () => picture.length,
      publish: () => camera.publish(picture),
      attach: () => camera.attach(spawned),
    },
    { batch: 100_000, rounds: 50 },
  );
}

/** Starts a process that writes frames of zeros to its descriptor 3 as fast as they are taken. */
function writeFrames(frames, sizeBytes, stdio) {
  return spawn('sh', ['-c', `exec dd if=/dev/zero bs=${sizeBytes} count=${frames} status=none >&3`], {
    stdio: ['ignore', 'inherit', 'inherit', stdio],
  });
}

async function cpuPerFrame(frames, work) {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / frames;
}

/** CPU of this process per frame, in microseconds: the drain, and a 'data' handler that copies. */
async function drainAgainstDataEvents([width, height]) {
  const sizeBytes = width * height * 1.5;
  const frames = Math.round(6e8 / sizeBytes);
  const camera = exporter.openCamera({ cameraId: `drain-${width}`, width, height });
  const drainUs = [];
  const dataUs = [];
  for (let round = 0; round < 5; round += 1) {
    drainUs.push(
      await cpuPerFrame(frames, async () => {
        const { framesWritten } = camera.statistics();
        camera.attach((fd) => writeFrames(frames, sizeBytes, fd));
        while (camera.statistics().framesWritten - framesWritten < frames) await sleep(20);
      }),
    );
    dataUs.push(
      await cpuPerFrame(frames, async () => {
        const child = writeFrames(frames, sizeBytes, 'pipe');
        const picture = Buffer.allocUnsafe(sizeBytes);
        let filled = 0;
        child.stdio[3].on('data', (chunk) => {
          const now = Math.min(chunk.length, sizeBytes - filled);
          chunk.copy(picture, filled, 0, now);
          filled += now;
          if (filled < sizeBytes) return;
          chunk.copy(picture, 0, now);
          filled = chunk.length - now;
        });
        await once(child, 'close');
      }),
    );
  }
  camera.close();
  const median = (values) =>
    quantile(
      values.sort((a, b) => a - b),
      0.5,
    );
  return { size: `${width}x${height}`, drainUs: median(drainUs), dataEventsUs: median(dataUs) };
}

/** System calls of the drain thread per frame of 1080p, under strace; `null` where there is none. */
function systemCallsPerFrame() {
  const log = join(mkdtempSync(join(tmpdir(), 'vas-bench-')), 'strace');
  const frames = 100;
  try {
    const script = `
      import { spawn } from 'node:child_process';
      import { readFileSync, readdirSync } from 'node:fs';
      import { createFrameExporter } from '@vas/frame-export';
      const camera = createFrameExporter({ baseDir: '${baseDir}' }).openCamera({ cameraId: 'strace', width: 1920, height: 1080 });
      camera.attach((fd) => spawn('sh', ['-c', 'sleep 1; exec dd if=/dev/zero bs=3110400 count=${frames} status=none >&3'], { stdio: ['ignore', 'inherit', 'inherit', fd] }));
      setTimeout(() => console.log(readdirSync('/proc/self/task').find((tid) => readFileSync('/proc/self/task/' + tid + '/comm', 'utf8').trim() === 'vas-drain')), 300);
      setInterval(() => { if (camera.statistics().framesWritten === ${frames}) process.exit(); }, 50);`;
    const tid = execFileSync(
      'strace',
      ['-f', '-qq', '-o', log, process.execPath, '--input-type=module', '-e', script],
      {
        env: { ...process.env, ...ON },
        encoding: 'utf8',
        cwd: fileURLToPath(new URL('..', import.meta.url)),
      },
    ).trim();
    const calls = readFileSync(log, 'utf8')
      .split('\n')
      .filter((line) => line.startsWith(`${tid} `) && !line.includes('resumed>'))
      .map((line) => /^\d+ +(\w+)\(/.exec(line)?.[1]);
    // Before the first frame the thread sets itself up.
    const perFrame = calls.slice(calls.indexOf('read'));
    const reads = perFrame.filter((call) => call === 'read').length;
    return { reads: reads / frames, others: (perFrame.length - reads) / frames };
  } catch (error) {
    if (error.code === 'ENOENT') return null;
    throw error;
  } finally {
    rmSync(join(log, '..'), { recursive: true, force: true });
  }
}

/** Delay of the event loop in milliseconds, idle and with eight cameras of 720p25 attached. */
async function eventLoopDelay() {
  const sample = async () => {
    const histogram = monitorEventLoopDelay({ resolution: 10 });
    histogram.enable();
    await sleep(5000);
    histogram.disable();
    return {
      median: histogram.percentile(50) / 1e6,
      p99: histogram.percentile(99) / 1e6,
      max: histogram.max / 1e6,
    };
  };
  const idle = await sample();
  const cameras = Array.from({ length: 8 }, (_, index) =>
    exporter.openCamera({ cameraId: `loop-${index}`, width: 1280, height: 720 }),
  );
  const args = [
    '-v',
    'error',
    '-nostdin',
    '-re',
    '-t',
    '7',
    '-f',
    'lavfi',
    '-i',
    'color=size=1280x720:rate=25',
  ];
  const ended = cameras.map((camera) =>
    camera.attach((fd) =>
      once(
        spawn('ffmpeg', [...args, '-f', 'rawvideo', '-pix_fmt', 'nv12', 'pipe:3'], {
          stdio: ['ignore', 'inherit', 'inherit', fd],
        }),
        'exit',
      ),
    ),
  );
  await sleep(1500);
  const withCameras = await sample();
  await Promise.all(ended);
  const frames = cameras.map((camera) => camera.statistics().framesWritten);
  for (const camera of cameras) camera.close();
  return { idle, withCameras, frames };
}

const results = {
  package: '@vas/frame-export',
  node: process.version,
  memory: SIZES.map(memory),
  disabled: disabled(),
  drain: [],
  systemCalls: systemCallsPerFrame(),
  eventLoop: await eventLoopDelay(),
};
for (const size of SIZES) results.drain.push(await drainAgainstDataEvents(size));
exporter.close();

if (process.argv.includes('--json')) {
  console.log(JSON.stringify(results, null, 2));
} else {
  const both = ({ median, p99 }, digits) => `${median.toFixed(digits)} / ${p99.toFixed(digits)}`;
  console.log(
    '@vas/frame-export: median / p99. Goals: a look at most 500 ns; copies at most 1.05 of a plain copy.',
  );
  console.table(
    results.memory.map(({ size, publishToPlainCopy, copyToPlainCopy, lookNs }) => ({
      size,
      'publish : plain copy': both(publishToPlainCopy, 2),
      'copyNewest : plain copy': both(copyToPlainCopy, 2),
      'look, ns': both(lookNs, 0),
    })),
  );
  console.log('CPU of the host per frame');
  console.table(
    results.drain.map(({ size, drainUs, dataEventsUs }) => ({
      size,
      'drain, us': drainUs.toFixed(0),
      "'data' events and a copy, us": dataEventsUs.toFixed(0),
      'drain : data events': (drainUs / dataEventsUs).toFixed(2),
    })),
  );
  const { nothing, publish, attach } = results.disabled;
  console.log(
    `export off: publish ${publish.median.toFixed(1)} ns, attach ${attach.median.toFixed(1)} ns ` +
      `(an empty call ${nothing.median.toFixed(1)} ns)`,
  );
  console.log(
    results.systemCalls === null
      ? 'system calls per frame: not measured, strace is not installed'
      : `system calls of the drain per frame of 1080p: ${results.systemCalls.reads.toFixed(1)} read, ` +
          `${results.systemCalls.others.toFixed(2)} others`,
  );
  console.log('delay of the event loop, ms');
  console.table({ idle: results.eventLoop.idle, '8 cameras of 720p25': results.eventLoop.withCameras });
}

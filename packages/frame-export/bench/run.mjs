// What export costs a Node process: `node bench/run.mjs [--json]`. Ratios where there is something to compare with.
// What publishing, reading and draining cost against memcpy and a bare read loop is measured in rust-shm (cargo bench).
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { PerformanceObserver, monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { fullMachine } from './full-machine.mjs';
import { wholeProcess } from './whole-process.mjs';
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

/**
 * Nanoseconds per call, median and p99 over batches; the calls take turns, so that the machine's noise hits all alike.
 * What `warm` has for a call is done before it, and not timed.
 */
function measure(calls, { batch, rounds, warm = {} }) {
  const samples = Object.entries(calls).map(([name, call]) => ({ name, call, times: [] }));
  for (let round = -20; round < rounds; round += 1) {
    for (const { name, call, times } of samples) {
      warm[name]?.();
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

/** Brings what is to be copied into the caches, from wherever the one who wrote it has left it. */
function touch(bytes) {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 64) sum += bytes[at];
  return sum;
}

function memory([width, height]) {
  const camera = exporter.openCamera({ cameraId: `memory-${width}`, width, height });
  const source = openFrameSource(camera.source);
  // Memory of the same kind: pages of 4 KiB, where arrays of the heap may lie on huge ones. What is written there becomes
  // this process's own, so what is read has a mapping for itself.
  const floor = openFrameSource(camera.source);
  const readFloor = openFrameSource(camera.source);
  const another = openFrameSource(camera.source);
  const sizeBytes = source.frameSizeBytes;
  const picture = new Uint8Array(sizeBytes).fill(1);
  const into = new Uint8Array(sizeBytes).fill(1);
  // As many places taking turns as the ring has slots, so that caches treat both alike.
  const places = Array.from({ length: 4 }, () => new Uint8Array(sizeBytes).fill(1));
  const mapped = places.map(() => {
    camera.publish(picture);
    return floor.lookNewest((bytes) => bytes).value;
  });
  const slots = new Map();
  readFloor.lookNext((bytes, { frameId }) => slots.set(frameId % 4, bytes));
  while (slots.size < 4) readFloor.lookNext((bytes, { frameId }) => slots.set(frameId % 4, bytes));
  /** The slot of the newest frame, in caches and in the processor's table of pages as `copyNewest` finds it. */
  const newestSlot = () => slots.get(another.lastFrameId % 4);
  another.lookNewest(touch);
  // Each has a turn of its own: with one for both, either would come to every second place only, and be in the caches.
  let turn = 0;
  let mappedTurn = 0;
  const copies = measure(
    {
      plainWrite: () => places[++turn & 3].set(picture),
      plainRead: () => into.set(places[turn & 3]),
      floorWrite: () => mapped[++mappedTurn & 3].set(picture),
      floorRead: () => into.set(newestSlot()),
      publish: () => camera.publish(picture),
      copy: () => source.copyNewest(into),
    },
    {
      batch: 1,
      rounds: Math.max(300, Math.round(1e9 / sizeBytes)),
      warm: {
        plainWrite: () => touch(picture),
        floorWrite: () => touch(picture),
        publish: () => touch(picture),
        plainRead: () => touch(places[turn & 3]),
        floorRead: () => another.lookAt(touch, another.lastFrameId),
        copy: () => another.lookNewest(touch),
      },
    },
  );
  const frameId = source.lastFrameId;
  const { look } = measure(
    { look: () => source.lookAt((bytes) => bytes[0], frameId) },
    { batch: 1000, rounds: 300 },
  );
  floor.close();
  readFloor.close();
  another.close();
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
    publishToFloor: ratio('publish', 'floorWrite'),
    copyToFloor: ratio('copy', 'floorRead'),
    lookNs: look,
  };
}

/** Nanoseconds of what does not depend on the size of a picture, the parts of it that are the engine's and the kernel's. */
function calls() {
  const silent = createFrameExporter({ baseDir: join(baseDir, 'silent'), env: ON, wakeReaders: false });
  const size = { width: 64, height: 48 };
  const closed = exporter.openCamera({ cameraId: 'call', ...size });
  closed.close();
  const quiet = silent.openCamera({ cameraId: 'quiet', ...size });
  const ringing = exporter.openCamera({ cameraId: 'ringing', ...size });
  const source = openFrameSource(ringing.source);
  const picture = new Uint8Array(source.frameSizeBytes);
  const into = new Uint8Array(source.frameSizeBytes);
  const { call, publish, wake, copy, arrays } = measure(
    {
      call: () => closed.publish(picture),
      publish: () => quiet.publish(picture),
      wake: () => ringing.publish(picture),
      copy: () => source.copyAt(into, source.lastFrameId),
      arrays: () => into.set(picture),
    },
    { batch: 1000, rounds: 300, warm: { copy: () => source.lookNewest(() => 0) } },
  );
  source.close();
  silent.close();
  ringing.close();
  return {
    call: call.median,
    publish: publish.median - call.median,
    wake: wake.median - publish.median,
    read: copy.median - arrays.median,
    copy: arrays.median,
  };
}

/** Milliseconds of `exporter.statistics()` with so many cameras. */
function statisticsOf(count) {
  const many = createFrameExporter({ baseDir: join(baseDir, 'many'), env: ON });
  for (let index = 0; index < count; index += 1) {
    many.openCamera({ cameraId: `many-${index}`, width: 64, height: 48 });
  }
  const { statistics } = measure({ statistics: () => many.statistics() }, { batch: 1, rounds: 100 });
  many.close();
  return { count, medianMs: statistics.median / 1e6, p99Ms: statistics.p99 / 1e6 };
}

/** How often, and how long, the garbage collector runs for a million frames that are looked at, and 100,000 copied. */
async function garbage() {
  const camera = exporter.openCamera({ cameraId: 'garbage', width: 64, height: 48 });
  const source = openFrameSource(camera.source);
  const picture = new Uint8Array(source.frameSizeBytes);
  const first = (bytes) => bytes[0];
  const pauses = [];
  const observer = new PerformanceObserver((list) => pauses.push(...list.getEntries()));
  observer.observe({ entryTypes: ['gc'] });
  const count = async (calls, act) => {
    for (let call = 0; call < 10_000; call += 1) act();
    await sleep(50);
    pauses.length = 0;
    for (let call = 0; call < calls; call += 1) act();
    await sleep(50);
    return {
      calls,
      pauses: pauses.length,
      longestMs: pauses.reduce((longest, { duration }) => Math.max(longest, duration), 0),
    };
  };
  const counted = {
    publish: await count(1_000_000, () => camera.publish(picture)),
    copyNewest: await count(1_000_000, () => source.copyNewest(picture)),
    lookNewest: await count(1_000_000, () => source.lookNewest(first)),
  };
  observer.disconnect();
  source.close();
  camera.close();
  return counted;
}

/** Milliseconds that starting a process takes of this thread, and CPU time of this process, without and with cameras. */
async function starting(count) {
  const sample = async () => {
    const [times, cpu] = [[], []];
    for (let round = 0; round < 30; round += 1) {
      const [before, began] = [process.cpuUsage(), performance.now()];
      const child = spawn('true', { stdio: 'ignore' });
      times.push(performance.now() - began);
      const { user, system } = process.cpuUsage(before);
      cpu.push((user + system) / 1000);
      await once(child, 'exit');
    }
    const median = (values) =>
      quantile(
        values.sort((a, b) => a - b),
        0.5,
      );
    return { ms: median(times), cpuMs: median(cpu) };
  };
  const without = await sample();
  const writeEnds = [];
  const cameras = Array.from({ length: count }, (_, index) => {
    const camera = exporter.openCamera({ cameraId: `start-${index}`, width: 64, height: 48 });
    camera.attach((fd) => writeEnds.push(openSync(`/proc/self/fd/${fd}`, 'w')));
    return camera;
  });
  const withCameras = await sample();
  for (const fd of writeEnds) closeSync(fd);
  for (const camera of cameras) camera.close();
  return { count, without, withCameras };
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
  const started = cameras.map((camera) =>
    camera.attach((fd) =>
      spawn('ffmpeg', [...args, '-f', 'rawvideo', '-pix_fmt', 'nv12', 'pipe:3'], {
        stdio: ['ignore', 'inherit', 'inherit', fd],
      }),
    ),
  );
  const ended = started.map((child) => once(child, 'exit'));
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
  calls: calls(),
  statistics: statisticsOf(1000),
  garbage: await garbage(),
  disabled: disabled(),
  starting: await starting(1024),
  wholeProcess: [],
  drain: [],
  systemCalls: systemCallsPerFrame(),
  eventLoop: await eventLoopDelay(),
};
for (const size of SIZES) results.drain.push(await drainAgainstDataEvents(size));
for (const size of SIZES.slice(0, 2)) results.wholeProcess.push(await wholeProcess(size));
results.fullMachine = await fullMachine(exporter, 72 * availableParallelism());
exporter.close();

if (process.argv.includes('--json')) {
  console.log(JSON.stringify(results, null, 2));
} else {
  const both = ({ median, p99 }, digits) => `${median.toFixed(digits)} / ${p99.toFixed(digits)}`;
  const missed = [];
  /** A figure beside its goal. */
  const judged = (what, value, most, digits = 2) => {
    if (value > most) missed.push(what);
    return `${value.toFixed(digits)} (at most ${most}: ${value > most ? 'MISSED' : 'met'})`;
  };
  console.log(
    '@vas/frame-export: median / p99, against a plain copy between arrays of the heap, and between the heap and a ' +
      'mapping of the same kind, for which the goal holds',
  );
  console.table(
    results.memory.map(({ size, lookNs, ...ratios }, index) => {
      const most = index === 0 ? 1.1 : 1.05;
      return {
        size,
        'publish : heap': both(ratios.publishToPlainCopy, 2),
        'publish : mapping': judged(`publish, ${size}`, ratios.publishToFloor.median, most),
        'copyNewest : heap': both(ratios.copyToPlainCopy, 2),
        'copyNewest : mapping': judged(`copyNewest, ${size}`, ratios.copyToFloor.median, most),
        'look, ns': judged(`look, ${size}`, lookNs.median, 500, 0),
        'look p99, ns': lookNs.p99.toFixed(0),
      };
    }),
  );
  const { call, publish: rest, wake, read, copy } = results.calls;
  console.log(
    `what does not depend on the size, ns: a call of Node-API with an array ${call.toFixed(0)}, the rest of publish with a ` +
      `copy of 4.6 KB ${rest.toFixed(0)}, one futex wake that nobody waits for ${wake.toFixed(0)}; a read ` +
      `${read.toFixed(0)} beside its copy of ${copy.toFixed(0)}`,
  );
  const { medianMs, p99Ms } = results.statistics;
  console.log(
    `statistics() of ${results.statistics.count} cameras: ${medianMs.toFixed(2)} ms, p99 ${p99Ms.toFixed(2)} ms`,
  );
  console.log('garbage collection');
  console.table(results.garbage);
  const { without: alone, withCameras: beside, count } = results.starting;
  console.log(
    `starting a process: ${alone.ms.toFixed(2)} ms (CPU ${alone.cpuMs.toFixed(2)}), beside ${count} cameras ` +
      `${beside.ms.toFixed(2)} ms (CPU ${beside.cpuMs.toFixed(2)}), ratio ` +
      judged(`starting a process beside ${count} cameras`, beside.ms / alone.ms, 1.5),
  );
  console.log(
    'CPU of a whole process per frame at 60 frames per second, us; beside one that only copies, to or from a mapping',
  );
  console.table(
    results.wholeProcess.map(({ size, us }) => ({
      size,
      'timer only': us.timer.toFixed(0),
      'timer and copy in the heap': us.copy.toFixed(0),
      'timer and copy to a mapping': us.copyInto.toFixed(0),
      publish: `${us.publish.toFixed(0)} (${(us.publish / us.copyInto).toFixed(2)})`,
      'timer and copy from a ring': us.copyFrom.toFixed(0),
      'timer and copyNewest': `${us.copyNewest.toFixed(0)} (${(us.copyNewest / us.copyFrom).toFixed(2)})`,
      'waits, copyNewest': `${us.wait.toFixed(0)} (${(us.wait / us.copyFrom).toFixed(2)})`,
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
  const { without, withExport, count: many } = results.fullMachine;
  console.log(
    `${many} cameras of 720p25 on ${availableParallelism()} cores: event loop p99 ` +
      `${judged('event loop beside all cameras', withExport.loopP99Ms, 50, 1)} ms, ` +
      `${without.loopP99Ms.toFixed(1)} ms with the same FFmpegs without export`,
  );
  console.log(
    `  frames per second and camera: video ${withExport.videoFramesPerSecond.toFixed(1)} ` +
      `(${without.videoFramesPerSecond.toFixed(1)} without export), ` +
      `exported ${withExport.exportedFramesPerSecond.toFixed(1)}; openCamera and close: median ` +
      `${withExport.callMedianMs.toFixed(2)} ms, longest ${withExport.callLongestMs.toFixed(1)} ms`,
  );
  for (const what of missed) console.log(`missed: ${what}`);
}

// What a whole Node process takes that handles 60 frames per second: one that publishes, reads or waits for frames,
// beside one that only copies as many bytes by the same timer, between arrays of the heap and to and from a mapping of
// the same kind as the ring, and one that has the timer and nothing else. What the last ones take is the engine's and
// the machine's.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createFrameExporter } from '@vas/frame-export';
import { frames, openFrameSource } from '@vas/frame-export/reader';

const ON = { AI_FRAME_EXPORT_ENABLED: 'true' };
const INTERVAL_MS = 1000 / 60;
const MEASURED_MS = 4000;

/** Calls `act` 60 times per second; resolves with the CPU time of this process per call, in microseconds. */
async function everyFrame(act) {
  const tick = (count, until) =>
    new Promise((resolve) => {
      let done = 0;
      const timer = setInterval(() => {
        act();
        done += 1;
        if (performance.now() < until) return;
        clearInterval(timer);
        resolve(done);
      }, INTERVAL_MS);
    });
  await tick(0, performance.now() + 500);
  const before = process.cpuUsage();
  const count = await tick(0, performance.now() + MEASURED_MS);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / count;
}

/** As {@link everyFrame}, for copies that are made as frames arrive. */
async function everyArrival(camera) {
  const began = performance.now();
  let before = null;
  let count = 0;
  for await (const { picture } of frames(camera)) {
    if (picture.length === 0) throw new Error('a frame has bytes');
    if (before !== null) count += 1;
    else if (performance.now() > began + 500) before = process.cpuUsage();
    if (performance.now() > began + 500 + MEASURED_MS) break;
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / count;
}

const kept = [];

/** The memory of a ring's slots, which no reader may keep: what is measured with it has no protocol. */
function slotsOf(cameraId, baseDir) {
  const source = openFrameSource({ baseDir, cameraId });
  kept.push(source);
  const slots = new Map();
  while (slots.size < 4) {
    const look = source.lookNext((picture) => picture);
    if (look.status === 'frame') slots.set(look.value.byteOffset, look.value);
  }
  return [...slots.values()];
}

const roles = {
  timer: () => everyFrame(() => {}),
  copy({ sizeBytes }) {
    const picture = new Uint8Array(sizeBytes).fill(1);
    const places = Array.from({ length: 4 }, () => new Uint8Array(sizeBytes).fill(1));
    let turn = 0;
    return everyFrame(() => places[++turn & 3].set(picture));
  },
  copyInto({ baseDir, sizeBytes }) {
    const picture = new Uint8Array(sizeBytes).fill(1);
    const places = slotsOf('still', baseDir);
    for (const place of places) place.fill(1);
    let turn = 0;
    return everyFrame(() => places[++turn & 3].set(picture));
  },
  copyFrom({ baseDir, sizeBytes }) {
    const into = new Uint8Array(sizeBytes).fill(1);
    const places = slotsOf('read', baseDir);
    let turn = 0;
    return everyFrame(() => into.set(places[++turn & 3]));
  },
  async publish({ baseDir, width, height, sizeBytes }) {
    const exporter = createFrameExporter({ baseDir, env: ON });
    const camera = exporter.openCamera({ cameraId: 'written', width, height });
    const picture = new Uint8Array(sizeBytes).fill(1);
    const us = await everyFrame(() => camera.publish(picture));
    exporter.close();
    return us;
  },
  copyNewest({ baseDir, sizeBytes }) {
    const source = openFrameSource({ baseDir, cameraId: 'read' });
    const into = new Uint8Array(sizeBytes).fill(1);
    return everyFrame(() => source.copyNewest(into));
  },
  wait: ({ baseDir }) => everyArrival({ baseDir, cameraId: 'read' }),
};

/** Microseconds of CPU time per frame, by role, of processes that run one after the other. */
export async function wholeProcess([width, height]) {
  const baseDir = mkdtempSync('/dev/shm/vas-bench-');
  const exporter = createFrameExporter({ baseDir, env: ON });
  const camera = exporter.openCamera({ cameraId: 'read', width, height });
  const sizeBytes = width * height * 1.5;
  const picture = new Uint8Array(sizeBytes).fill(1);
  const still = exporter.openCamera({ cameraId: 'still', width, height });
  for (let slot = 0; slot < 4; slot += 1) still.publish(picture);
  const writing = setInterval(() => camera.publish(picture), INTERVAL_MS);
  try {
    const us = {};
    for (const role of Object.keys(roles)) {
      us[role] = await ask(role, { baseDir, width, height, sizeBytes });
    }
    return { size: `${width}x${height}`, us };
  } finally {
    clearInterval(writing);
    exporter.close();
    rmSync(baseDir, { recursive: true, force: true });
  }
}

function ask(role, task) {
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), JSON.stringify({ role, ...task })], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return new Promise((resolve, reject) => {
    let answer = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      answer += text;
    });
    child.once('close', (code) => {
      if (code === 0) resolve(Number(answer));
      else reject(new Error(`${role} ended with ${code}`));
    });
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { role, ...task } = JSON.parse(process.argv[2]);
  console.log(await roles[role](task));
  process.exit();
}

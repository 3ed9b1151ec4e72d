// What adding, removing and finding a subscription costs from 100 to 1,000,000 subscriptions, against the floor: a
// plain Map of Maps that checks, copies, freezes and reports nothing. `--json` prints one JSON document instead of
// tables. Absolute times belong to the machine; ratios and growth are what to look at.
import { RuthState } from '@vas/ruth-core';

const CAMERA_COUNTS = [10, 1_000, 100_000];
const MODELS_PER_CAMERA = 10;
const OPERATIONS_PER_ROUND = 10_000;
const ROUNDS = 31;
const MAX_GROWTH = 2;
const MIN_MEASURED_SUBSCRIPTIONS = 100_000;

class MapOfMaps {
  #cameras = new Map();
  ensureAgent(cameraId) {
    this.#cameras.set(cameraId, new Map());
  }
  addSubscription(cameraId, modelId) {
    this.#cameras.get(cameraId).set(modelId, { cameraId, modelId, desiredFps: null, configuration: null });
  }
  removeSubscription(cameraId, modelId) {
    this.#cameras.get(cameraId).delete(modelId);
  }
  subscription(cameraId, modelId) {
    return this.#cameras.get(cameraId).get(modelId);
  }
}

const models = Array.from({ length: MODELS_PER_CAMERA }, (_, index) => `org/model-${index}:1`);

function filled(state, cameras) {
  for (const cameraId of cameras) {
    state.ensureAgent(cameraId);
    for (const modelId of models) state.addSubscription(cameraId, modelId);
  }
  return state;
}

/** Distinct pairs all over the state, in an order that no cache can guess; the same for every subject. */
function pairsOf(cameras) {
  const pairs = cameras.flatMap((cameraId) => models.map((modelId) => [cameraId, modelId]));
  let word = 0x2545f491;
  for (let index = pairs.length - 1; index > 0; index -= 1) {
    word ^= word << 13;
    word ^= word >>> 17;
    word ^= word << 5;
    const other = (word >>> 0) % (index + 1);
    [pairs[index], pairs[other]] = [pairs[other], pairs[index]];
  }
  return pairs.slice(0, OPERATIONS_PER_ROUND);
}

/** CPU time, not elapsed time: other processes on the machine do not count. */
function nsOf(work) {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) * 1_000;
}

function median(values) {
  return values.sort((one, other) => one - other)[values.length >> 1];
}

/** Nanoseconds per operation: medians over rounds that leave the state as it was. */
function timed(state, pairs) {
  const rounds = { remove: [], add: [], find: [] };
  const repeats = OPERATIONS_PER_ROUND / pairs.length;
  let found = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const sums = { remove: 0, add: 0, find: 0 };
    for (let repeat = 0; repeat < repeats; repeat += 1) {
      sums.remove += nsOf(() => {
        for (const [cameraId, modelId] of pairs) state.removeSubscription(cameraId, modelId);
      });
      sums.add += nsOf(() => {
        for (const [cameraId, modelId] of pairs) state.addSubscription(cameraId, modelId);
      });
    }
    sums.find = nsOf(() => {
      for (let repeat = 0; repeat < repeats; repeat += 1) {
        for (const [cameraId, modelId] of pairs)
          if (state.subscription(cameraId, modelId) !== undefined) found += 1;
      }
    });
    for (const name of Object.keys(sums)) rounds[name].push(sums[name] / OPERATIONS_PER_ROUND);
  }
  if (found !== ROUNDS * OPERATIONS_PER_ROUND) throw new Error('a subscription was not found');
  return Object.fromEntries(Object.entries(rounds).map(([name, values]) => [`${name}Ns`, median(values)]));
}

/** Heap bytes per subscription, of as many states as it takes to measure them. */
function bytesPerSubscription(make, subscriptions) {
  const copies = Math.ceil(MIN_MEASURED_SUBSCRIPTIONS / subscriptions);
  globalThis.gc();
  const before = process.memoryUsage().heapUsed;
  const states = Array.from({ length: copies }, make);
  globalThis.gc();
  const bytes = (process.memoryUsage().heapUsed - before) / (subscriptions * copies);
  return { state: states[0], bytes };
}

/** Microseconds for a snapshot: the first, the next after one change, and one with nothing changed. */
function timedSnapshots(state, [cameraId, modelId]) {
  const firstUs = nsOf(() => state.snapshot()) / 1_000;
  const afterOneChange = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    state.removeSubscription(cameraId, modelId);
    state.addSubscription(cameraId, modelId);
    afterOneChange.push(nsOf(() => state.snapshot()) / 1_000);
  }
  const unchanged = nsOf(() => {
    for (let count = 0; count < 10_000; count += 1) state.snapshot();
  });
  return { firstUs, afterOneChangeUs: median(afterOneChange), unchangedUs: unchanged / 10_000_000 };
}

if (globalThis.gc === undefined) throw new Error('run with --expose-gc');

// Both subjects see every shape of state before anything is measured.
for (const warm of [new MapOfMaps(), new RuthState()]) {
  const cameras = CAMERA_COUNTS.slice(0, 2).flatMap((count) =>
    Array.from({ length: count }, (_, index) => `w${index}`),
  );
  timed(filled(warm, [...new Set(cameras)]), pairsOf([...new Set(cameras)]));
}

const sizes = CAMERA_COUNTS.map((cameraCount) => {
  const cameras = Array.from({ length: cameraCount }, (_, index) => `camera-${index}`);
  const pairs = pairsOf(cameras);
  const subscriptions = cameraCount * MODELS_PER_CAMERA;
  const subject = (make) => {
    const { state, bytes } = bytesPerSubscription(() => filled(make(), cameras), subscriptions);
    return { state, measured: { ...timed(state, pairs), bytesPerSubscription: bytes } };
  };
  const floor = subject(() => new MapOfMaps()).measured;
  const { state, measured } = subject(() => new RuthState());
  return {
    cameras: cameraCount,
    subscriptions,
    ruthCore: measured,
    floor,
    snapshot: timedSnapshots(state, pairs[0]),
  };
});

const [smallest, largest] = [sizes[0], sizes.at(-1)];
const growth = Object.fromEntries(
  ['addNs', 'removeNs', 'findNs'].map((name) => {
    const ruthCore = largest.ruthCore[name] / smallest.ruthCore[name];
    const floor = largest.floor[name] / smallest.floor[name];
    return [name.replace('Ns', ''), { ruthCore, floor, againstFloor: ruthCore / floor }];
  }),
);
const isFlat = Object.values(growth).every(({ againstFloor }) => againstFloor <= MAX_GROWTH);

if (process.argv.includes('--json')) {
  console.log(
    JSON.stringify({ package: '@vas/ruth-core', node: process.version, sizes, growth, isFlat }, null, 2),
  );
} else {
  console.log('@vas/ruth-core against a plain Map of Maps: ns of CPU per operation (times the floor)');
  print(
    ['cameras', 'subscriptions', 'add', 'remove', 'find', 'bytes per subscription'],
    sizes.map(({ cameras, subscriptions, ruthCore, floor }) => [
      cameras,
      subscriptions,
      ...['addNs', 'removeNs', 'findNs', 'bytesPerSubscription'].map(
        (name) => `${ruthCore[name].toFixed(0)} (${(ruthCore[name] / floor[name]).toFixed(1)}x)`,
      ),
    ]),
  );
  console.log('\nfrom the smallest to the largest, the cost grows by');
  print(
    ['operation', 'ruth-core', 'floor', 'against the floor'],
    Object.entries(growth).map(([name, by]) => [
      name,
      ...Object.values(by).map((factor) => `${factor.toFixed(1)}x`),
    ]),
  );
  console.log(`${isFlat ? 'flat' : 'NOT FLAT'}: within a factor of ${MAX_GROWTH} of how the floor grows`);
  console.log('\nsnapshot of everything: us of CPU');
  print(
    ['cameras', 'first', 'after one change', 'nothing changed'],
    sizes.map(({ cameras, snapshot }) => [cameras, ...Object.values(snapshot).map((us) => us.toFixed(2))]),
  );
}

function print(header, rows) {
  const table = [header, ...rows].map((row) => row.map(String));
  const widths = header.map((_, column) => Math.max(...table.map((row) => row[column].length)));
  for (const row of table) console.log(row.map((cell, column) => cell.padStart(widths[column])).join('  '));
}

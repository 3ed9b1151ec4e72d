// What adding, removing and finding a subscription costs from 100 to 1,000,000 subscriptions, against the floor: a
// plain Map of Maps that checks, copies, freezes and reports nothing. `--json` prints one JSON document instead of
// tables. Absolute times belong to the machine; ratios and growth are what to look at.
//
// Measured twice. On the same few subscriptions again and again, which stay in the processor's caches at any size:
// there the algorithm shows, and its cost itself must not grow. And on other subscriptions each time, anywhere in the
// state, where the caches miss in any data structure: there the cost must not grow more than the floor's.
import { RuthState } from '@vas/ruth-core';

const CAMERA_COUNTS = [10, 1_000, 100_000];
const MODELS_PER_CAMERA = 10;
const MAX_GROWTH = 2;
const MIN_MEASURED_SUBSCRIPTIONS = 100_000;
const SNAPSHOT_ROUNDS = 31;

const MEASUREMENTS = {
  same: {
    title: 'the same 100 subscriptions',
    pairsOf: samePairs,
    rounds: 15,
    // Per round: enough for the collector to have its share in each.
    operations: 100_000,
    judged: 'ruthCore',
    verdict: 'grows',
  },
  anywhere: {
    title: 'anywhere in the state',
    pairsOf: anyPairs,
    rounds: 31,
    operations: 10_000,
    judged: 'againstFloor',
    verdict: 'grows, against the floor,',
  },
};

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

function idsOf(kind, count) {
  return Array.from({ length: count }, (_, index) => `${kind}-${index}`);
}

const models = idsOf('org/model', MODELS_PER_CAMERA);

function filled(state, cameras) {
  for (const cameraId of cameras) {
    state.ensureAgent(cameraId);
    for (const modelId of models) state.addSubscription(cameraId, modelId);
  }
  return state;
}

/** All subscriptions of ten cameras spread over the state; at the smallest size that is all there are. */
function samePairs(cameras) {
  const spread = Array.from({ length: 10 }, (_, index) => cameras[(index * cameras.length) / 10]);
  return shuffled(spread.flatMap((cameraId) => models.map((modelId) => [cameraId, modelId])));
}

/** Distinct subscriptions all over the state, in an order that no cache can guess. */
function anyPairs(cameras, count) {
  return shuffled(cameras.flatMap((cameraId) => models.map((modelId) => [cameraId, modelId]))).slice(
    0,
    count,
  );
}

/** In the same random order each time. */
function shuffled(values) {
  let word = 0x2545f491;
  for (let index = values.length - 1; index > 0; index -= 1) {
    word ^= word << 13;
    word ^= word >>> 17;
    word ^= word << 5;
    const other = (word >>> 0) % (index + 1);
    [values[index], values[other]] = [values[other], values[index]];
  }
  return values;
}

/** CPU time, not elapsed time: other processes on the machine do not count. */
function nsOf(work) {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) * 1_000;
}

/** What `nsOf` itself adds to what it measures: much beside 100 operations of the floor. */
function nsOfNothing() {
  let sum = 0;
  for (let count = 0; count < 10_000; count += 1) sum += nsOf(() => {});
  return sum / 10_000;
}

function median(values) {
  return values.sort((one, other) => one - other)[values.length >> 1];
}

/** Nanoseconds per operation: medians over rounds that leave the state as it was. */
function timed(state, cameras, { rounds, operations, pairsOf }) {
  const pairs = pairsOf(cameras, rounds * operations);
  const perRound = Math.min(pairs.length, operations);
  const slices = Array.from({ length: pairs.length / perRound }, (_, index) =>
    pairs.slice(index * perRound, (index + 1) * perRound),
  );
  const repeats = operations / perRound;
  const samples = { add: [], remove: [], find: [] };
  let found = 0;
  globalThis.gc();
  const overhead = nsOfNothing();
  for (let round = 0; round < rounds; round += 1) {
    const slice = slices[round % slices.length];
    const sums = { add: 0, remove: 0 };
    for (let repeat = 0; repeat < repeats; repeat += 1) {
      sums.remove += nsOf(() => {
        for (const [cameraId, modelId] of slice) state.removeSubscription(cameraId, modelId);
      });
      sums.add += nsOf(() => {
        for (const [cameraId, modelId] of slice) state.addSubscription(cameraId, modelId);
      });
    }
    samples.remove.push((sums.remove - repeats * overhead) / operations);
    samples.add.push((sums.add - repeats * overhead) / operations);
  }
  // Apart: the collector and the compiler go on for a while in other threads, whose CPU time counts as well.
  for (let round = 0; round < rounds; round += 1) {
    const slice = slices[round % slices.length];
    const ns = nsOf(() => {
      for (let repeat = 0; repeat < repeats; repeat += 1) {
        for (const [cameraId, modelId] of slice)
          if (state.subscription(cameraId, modelId) !== undefined) found += 1;
      }
    });
    samples.find.push(ns / operations);
  }
  if (found !== rounds * operations) throw new Error('a subscription was not found');
  return Object.fromEntries(Object.entries(samples).map(([name, values]) => [`${name}Ns`, median(values)]));
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
function timedSnapshots(state, { cameraId, modelId }) {
  const firstUs = nsOf(() => state.snapshot()) / 1_000;
  const afterOneChange = [];
  for (let round = 0; round < SNAPSHOT_ROUNDS; round += 1) {
    state.removeSubscription(cameraId, modelId);
    state.addSubscription(cameraId, modelId);
    afterOneChange.push(nsOf(() => state.snapshot()) / 1_000);
  }
  const unchanged = nsOf(() => {
    for (let count = 0; count < 10_000; count += 1) state.snapshot();
  });
  return { firstUs, afterOneChangeUs: median(afterOneChange), unchangedUs: unchanged / 10_000_000 };
}

function measured(make, cameras) {
  const { state, bytes } = bytesPerSubscription(
    () => filled(make(), cameras),
    cameras.length * MODELS_PER_CAMERA,
  );
  const times = Object.entries(MEASUREMENTS).map(([name, measurement]) => [
    name,
    timed(state, cameras, measurement),
  ]);
  return [state, { bytesPerSubscription: bytes, ...Object.fromEntries(times) }];
}

if (globalThis.gc === undefined) throw new Error('run with --expose-gc');

// Both subjects see every kind of work before anything is measured.
for (const make of [() => new MapOfMaps(), () => new RuthState()]) measured(make, idsOf('camera', 1_000));

const sizes = CAMERA_COUNTS.map((cameraCount) => {
  const cameras = idsOf('camera', cameraCount);
  const [, floor] = measured(() => new MapOfMaps(), cameras);
  const [state, ruthCore] = measured(() => new RuthState(), cameras);
  const snapshot = timedSnapshots(state, { cameraId: cameras[0], modelId: models[0] });
  return { cameras: cameraCount, subscriptions: cameraCount * MODELS_PER_CAMERA, ruthCore, floor, snapshot };
});

/** How the costs grow from the smallest size to the largest. */
function growthOf(measurement) {
  const [smallest, largest] = [sizes[0], sizes.at(-1)];
  return Object.fromEntries(
    ['add', 'remove', 'find'].map((name) => {
      const [ruthCore, floor] = ['ruthCore', 'floor'].map(
        (subject) => largest[subject][measurement][`${name}Ns`] / smallest[subject][measurement][`${name}Ns`],
      );
      return [name, { ruthCore, floor, againstFloor: ruthCore / floor }];
    }),
  );
}

const growth = Object.fromEntries(Object.keys(MEASUREMENTS).map((name) => [name, growthOf(name)]));
const isFlat = Object.fromEntries(
  Object.entries(MEASUREMENTS).map(([name, { judged }]) => [
    name,
    Object.values(growth[name]).every((by) => by[judged] <= MAX_GROWTH),
  ]),
);

if (process.argv.includes('--json')) {
  console.log(
    JSON.stringify({ package: '@vas/ruth-core', node: process.version, sizes, growth, isFlat }, null, 2),
  );
} else {
  const timesFloor = (ns, floorNs) => `${ns.toFixed(0)} (${(ns / floorNs).toFixed(1)}x)`;
  console.log('@vas/ruth-core against a plain Map of Maps (times the floor)');
  for (const [name, { title, verdict }] of Object.entries(MEASUREMENTS)) {
    console.log(`\n${title}: ns of CPU per operation, and how it grows from the smallest to the largest`);
    const costs = ['addNs', 'removeNs', 'findNs'];
    const rows = sizes.map(({ cameras, ruthCore, floor }) => [
      cameras,
      ...costs.map((cost) => timesFloor(ruthCore[name][cost], floor[name][cost])),
    ]);
    for (const [row, factor] of [
      ['grows', 'ruthCore'],
      ['floor grows', 'floor'],
      ['against it', 'againstFloor'],
    ]) {
      rows.push([row, ...Object.values(growth[name]).map((by) => `${by[factor].toFixed(1)}x`)]);
    }
    print(['cameras', 'add', 'remove', 'find'], rows);
    console.log(`${isFlat[name] ? 'flat' : 'NOT FLAT'}: ${verdict} at most ${MAX_GROWTH}x`);
  }
  console.log('\nbytes per subscription; us of CPU for a snapshot of everything');
  print(
    ['cameras', 'subscriptions', 'bytes', 'first', 'after one change', 'nothing changed'],
    sizes.map(({ cameras, subscriptions, ruthCore, floor, snapshot }) => [
      cameras,
      subscriptions,
      timesFloor(ruthCore.bytesPerSubscription, floor.bytesPerSubscription),
      ...Object.values(snapshot).map((us) => us.toFixed(2)),
    ]),
  );
}

function print(header, rows) {
  const table = [header, ...rows].map((row) => row.map(String));
  const widths = header.map((_, column) => Math.max(...table.map((row) => row[column].length)));
  for (const row of table) console.log(row.map((cell, column) => cell.padStart(widths[column])).join('  '));
}

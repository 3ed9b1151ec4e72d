// What a ring costs, as ratios to a plain copy of the same bytes: `node bench/run.mjs [--json]`.
import { FrameRingReader, FrameRingWriter, allocateFrameRing } from '@vas/ring-buffer';

const SIZES = { '640x360': [640, 360], '1920x1080': [1920, 1080], '3840x2160': [3840, 2160] };
const MILLISECONDS = 1000;

const median = (sorted) => sorted[sorted.length >> 1];
const p99 = (sorted) => sorted[Math.floor(sorted.length * 0.99)];

/** Nanoseconds per call, the calls taking turns, so that what else the machine does hits all of them alike. */
function measure(calls, batch) {
  const samples = Object.fromEntries(Object.keys(calls).map((name) => [name, []]));
  const warmUpEnd = performance.now() + MILLISECONDS / 4;
  const end = warmUpEnd + MILLISECONDS;
  for (let round = 0; performance.now() < end || round < 20; round++) {
    for (const [name, call] of Object.entries(calls)) {
      const start = process.hrtime.bigint();
      for (let i = 0; i < batch; i++) call();
      const elapsed = Number(process.hrtime.bigint() - start) / batch;
      if (performance.now() > warmUpEnd) samples[name].push(elapsed);
    }
  }
  return Object.fromEntries(
    Object.entries(samples).map(([name, times]) => {
      const sorted = times.sort((a, b) => a - b);
      return [name, { medianNs: median(sorted), p99Ns: p99(sorted) }];
    }),
  );
}

function benchSize(size, [width, height], shared) {
  const memory = allocateFrameRing({ width, height, slotCount: 4, shared });
  const writer = new FrameRingWriter(memory);
  const reader = new FrameRingReader(memory);
  const bytes = reader.frameSizeBytes;
  const frame = new Uint8Array(bytes).fill(1);
  const into = new Uint8Array(bytes).fill(1);
  // The same kind of memory, the same number of pictures taking turns.
  const pool = allocateFrameRing({ width, height, slotCount: 4, shared }).data;
  const stride = pool.length / 4;
  const pictures = [0, 1, 2, 3].map((slot) => pool.subarray(slot * stride, slot * stride + bytes));
  let turn = 0;

  // Each read follows a write of the same picture, so that caches treat all four alike.
  const copies = measure(
    {
      plainWrite: () => pictures[++turn & 3].set(frame),
      plainRead: () => into.set(pictures[turn & 3]),
      push: () => writer.push(frame),
      copyNewest: () => reader.copyNewest(into),
    },
    1,
  );
  const looks = measure(
    { look: () => reader.lookNewest((picture) => picture[0]), newestId: () => reader.newestId },
    2000,
  );
  const ratio = (one, other) => ({
    median: copies[one].medianNs / copies[other].medianNs,
    p99: copies[one].p99Ns / copies[other].p99Ns,
  });
  return {
    size,
    memory: shared ? 'SharedArrayBuffer' : 'ArrayBuffer',
    pushToPlainCopy: ratio('push', 'plainWrite'),
    copyNewestToPlainCopy: ratio('copyNewest', 'plainRead'),
    lookNs: { median: looks.look.medianNs, p99: looks.look.p99Ns },
    newestIdNs: { median: looks.newestId.medianNs, p99: looks.newestId.p99Ns },
    plainCopyNs: { write: copies.plainWrite.medianNs, read: copies.plainRead.medianNs },
  };
}

const results = [false, true].flatMap((shared) =>
  Object.entries(SIZES).map(([size, sides]) => benchSize(size, sides, shared)),
);

if (process.argv.includes('--json')) {
  console.log(JSON.stringify({ package: '@vas/ring-buffer', node: process.version, results }, null, 2));
} else {
  const goal = (ok) => (ok ? 'met' : 'MISSED');
  const both = ({ median, p99 }, digits) => `${median.toFixed(digits)} / ${p99.toFixed(digits)}`;
  console.log(
    '@vas/ring-buffer: median / p99. Goals: copies at most 1.05 of a plain copy, a look at most 500 ns.',
  );
  console.table(
    results.map((result) => ({
      memory: result.memory,
      size: result.size,
      'push : plain copy': both(result.pushToPlainCopy, 2),
      'copyNewest : plain copy': both(result.copyNewestToPlainCopy, 2),
      'look, ns': both(result.lookNs, 0),
      'newestId, ns': both(result.newestIdNs, 0),
      goals: goal(
        Math.max(result.pushToPlainCopy.median, result.copyNewestToPlainCopy.median) <= 1.05 &&
          result.lookNs.median <= 500,
      ),
    })),
  );
}

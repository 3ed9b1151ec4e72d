// Measures, in a process of its own with --expose-gc, how many heap bytes one published frame costs. Prints JSON.
import { FrameRingWriter, allocateFrameRing } from '@vas/ring-buffer';

const PUSHES = 50_000;
const ROUNDS = 9;

const writer = new FrameRingWriter(allocateFrameRing({ width: 16, height: 16 }));
const frame = new Uint8Array(writer.frameSizeBytes);
const chunks = [frame.subarray(0, 100), frame.subarray(100)];
const stamp = { timestampNs: 2n ** 62n, wallClockNs: 2n ** 61n, sourceTimestampNs: 2n ** 60n, checksum: 1 };
const kept = new Array(16);

const ways = {
  whole: () => writer.push(frame),
  chunks: () => writer.push(chunks),
  stamped: () => writer.push(frame, stamp),
  inPlace: () => {
    const open = writer.begin();
    open.bytes.fill(1);
    open.publish();
  },
  rejected: () => writer.push(chunks[0]),
  // What the measurement must notice: one small object per frame.
  wholeAndOneObject: () => {
    kept[writer.push(frame) & 15] = { id: 1 };
  },
};

/** Bytes per call in the best round: in some rounds V8 is still compiling. */
function bytesPerCall(call) {
  for (let i = 0; i < 4 * PUSHES; i++) call();
  const rounds = Array.from({ length: ROUNDS }, () => {
    globalThis.gc();
    const before = process.memoryUsage().heapUsed;
    for (let i = 0; i < PUSHES; i++) call();
    return (process.memoryUsage().heapUsed - before) / PUSHES;
  });
  return Math.min(...rounds);
}

console.log(
  JSON.stringify(Object.fromEntries(Object.entries(ways).map(([way, call]) => [way, bytesPerCall(call)]))),
);

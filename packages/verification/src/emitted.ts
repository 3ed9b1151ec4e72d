/** S7, P2.4: the orderings as the Rust compiler emits them, for each architecture, whatever this machine is. */
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Check, Row } from './check.js';
import { targetDir, workspace } from './rust.js';

/** What an instruction is to the protocol. The sequence is the word at offset 56 of a record. */
type Patterns = Readonly<Record<string, RegExp>>;

const arm64: Patterns = {
  'store sequence': /^str\s+x\d+, \[x\d+, #56\]/,
  'store sequence, release': /^stlr\s/,
  'load sequence': /^ldr\s+x\d+, \[x\d+, #56\]/,
  'full fence': /^dmb\s+ish$/,
  'load fence': /^dmb\s+ishld$/,
  'write record': /^bl\s.*RecordWords3set/,
  'copy picture': /^bl\s.*copy_to/,
};

const x64: Patterns = {
  'store sequence': /^movq\s+%\w+, 56\(%\w+\)/,
  'load sequence': /^(?:movq\s+56\(%\w+\), %\w+|cmpq\s+%\w+, 56\(%\w+\)|cmpq\s+56\(%\w+\), %\w+)/,
  'streaming fence': /^sfence$/,
  'write record': /^(?:callq?|jmp)\s.*RecordWords3set/,
  'copy picture': /^(?:callq?|jmp)\s.*copy_to/,
};

interface Architecture {
  readonly target: string;
  readonly patterns: Patterns;
  /** By function of `examples/orderings.rs`: what it does, in this order and nothing else. */
  readonly expected: Readonly<Record<string, readonly string[]>>;
}

const architectures: readonly Architecture[] = [
  {
    target: 'aarch64-unknown-linux-gnu',
    patterns: arm64,
    expected: {
      // W1, W2
      open: ['store sequence', 'full fence'],
      // W3, W4, W5, W6, W7, W8
      publish: [
        'write record',
        'store sequence, release',
        'store sequence, release',
        'full fence',
        'write record',
        'store sequence, release',
      ],
      // R1
      newest: ['load sequence', 'load fence'],
      // R2; R4 and R5 for a record that contradicts its ring; then R3, R4, R5
      look: [
        'load sequence',
        'load fence',
        'load fence',
        'load sequence',
        'copy picture',
        'load fence',
        'load sequence',
      ],
    },
  },
  {
    target: 'x86_64-unknown-linux-gnu',
    patterns: x64,
    expected: {
      open: ['store sequence', 'streaming fence'],
      publish: [
        'write record',
        'streaming fence',
        'store sequence',
        'store sequence',
        'streaming fence',
        'write record',
        'store sequence',
      ],
      newest: ['load sequence'],
      look: ['load sequence', 'load sequence', 'copy picture', 'load sequence'],
    },
  },
];

export const emitted: Check = {
  summary: 'the barriers that the Rust compiler emits for arm64 and x86-64',
  run() {
    const rows: Row[] = [];
    const failures: string[] = [];
    for (const { target, patterns, expected } of architectures) {
      const assembly = compile(target);
      for (const [name, wanted] of Object.entries(expected)) {
        const found = stepsOf(assembly, `vas_ordering_${name}`, patterns);
        const isRight = found.join() === wanted.join();
        rows.push({ target, step: name, emitted: found.join('; '), right: isRight ? 'yes' : 'NO' });
        if (!isRight)
          failures.push(`${target}, ${name}: ${found.join('; ')}\n  instead of ${wanted.join('; ')}`);
      }
    }
    return Promise.resolve({ rows, failures });
  },
};

/** The assembly of `examples/orderings.rs`. Nothing is linked, so no linker for the target is needed. */
function compile(target: string): string {
  const emittedDir = join(targetDir, 'emitted');
  const folder = join(emittedDir, target, 'release/examples');
  rmSync(folder, { recursive: true, force: true });
  const cargo = ['rustc', '--quiet', '--release', '--config', 'profile.release.lto=false'];
  const what = ['--package', 'vas-frame-protocol', '--example', 'orderings', '--target', target];
  const args = [...cargo, ...what, '--target-dir', emittedDir, '--', '--emit=asm'];
  try {
    execFileSync('cargo', args, { cwd: workspace, stdio: ['ignore', 2, 2] });
  } catch (cause) {
    throw new Error(`no code for ${target}; if its library is missing: rustup target add ${target}`, {
      cause,
    });
  }
  const file = readdirSync(folder).find((name) => name.endsWith('.s'));
  if (file === undefined) throw new Error(`${folder} holds no assembly`);
  return readFileSync(join(folder, file), 'utf8');
}

function stepsOf(assembly: string, name: string, patterns: Patterns): string[] {
  const body = new RegExp(`^${name}:\\n([\\s\\S]*?)\\.cfi_endproc`, 'm').exec(assembly)?.[1] ?? '';
  const instructions = body.split('\n').map((line) => line.trim());
  return instructions.flatMap((instruction) =>
    Object.entries(patterns)
      .filter(([, pattern]) => pattern.test(instruction))
      .map(([step]) => step),
  );
}

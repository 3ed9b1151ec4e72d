/** The reader crate as a registry would get it: built from its package alone, with what documents it in it. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ROOT } from '../src/workspace.js';

const rust = join(ROOT, 'rust-shm');
const crates = ['vas-frame-protocol', 'vas-frame-segment'].flatMap((name) => ['--package', name]);

it('R3: the reader crate builds from its own package, and has its documents in it', () => {
  const cargo = (...args: string[]): string =>
    execFileSync('cargo', ['package', '--allow-dirty', ...args], { cwd: rust, encoding: 'utf8' });
  // Builds each crate from its package, the second against the package of the first.
  cargo('--quiet', ...crates, '--target-dir', join(rust, 'target/package-check'));
  const files = (name: string): string[] => cargo('--list', '--package', name).split('\n');
  expect(files('vas-frame-segment')).toEqual(expect.arrayContaining(['README.md', 'src/lib.rs']));
  expect(files('vas-frame-protocol')).toEqual(
    expect.arrayContaining(['PROTOCOL.md', 'README.md', 'src/lib.rs']),
  );
  expect(files('vas-frame-protocol').filter((file) => file.startsWith('tests/'))).toEqual([]);
}, 600_000);

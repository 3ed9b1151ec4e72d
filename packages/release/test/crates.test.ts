/** The reader crate and the tool as a registry would get them: built from their packages alone, with what documents them. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ROOT } from '../src/workspace.js';

const rust = join(ROOT, 'rust-shm');
const crates = ['vas-frame-protocol', 'vas-frame-segment', 'vas-frame-picture', 'vas-frames-cli'].flatMap(
  (name) => ['--package', name],
);

it('R3, O1: the reader crate and the tool build from their own packages, with their documents in them', () => {
  const cargo = (...args: string[]): string =>
    execFileSync('cargo', ['package', '--allow-dirty', ...args], { cwd: rust, encoding: 'utf8' });
  // Builds each crate from its package, against the packages of those before it.
  cargo('--quiet', ...crates, '--target-dir', join(rust, 'target/package-check'));
  const files = (name: string): string[] => cargo('--list', '--package', name).split('\n');
  expect(files('vas-frame-segment')).toEqual(expect.arrayContaining(['README.md', 'src/lib.rs']));
  expect(files('vas-frame-protocol')).toEqual(
    expect.arrayContaining(['PROTOCOL.md', 'README.md', 'src/lib.rs']),
  );
  expect(files('vas-frames-cli')).toEqual(expect.arrayContaining(['README.md', 'src/main.rs']));
  expect(files('vas-frame-protocol').filter((file) => file.startsWith('tests/'))).toEqual([]);
}, 1_200_000);

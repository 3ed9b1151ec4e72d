/** What the crates of this repository are built of may be passed on, and what may not is refused. */
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { run } from '../src/command.js';
import { licenceProblems } from '../src/licences.js';
import { ROOT } from '../src/workspace.js';

const rust = join(ROOT, 'rust-shm');

it('D3: everything that is built into what is published may be passed on', () => {
  expect(licenceProblems(rust)).toEqual([]);
});

it.each([
  ['GPL-3.0-only', 'failed to satisfy license requirements'],
  ['', 'unlicensed'],
])('D3: a crate of licence "%s" is refused', (licence, why) => {
  const folder = mkdtempSync(join(tmpdir(), 'vas-licences-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  cpSync(join(rust, 'deny.toml'), join(folder, 'deny.toml'));
  for (const [path, text] of [
    [
      'Cargo.toml',
      '[package]\nname = "app"\nversion = "1.0.0"\nedition = "2024"\nlicense = "MIT"\n[dependencies]\nforeign = { path = "foreign", version = "1" }\n[workspace]\n',
    ],
    ['src/lib.rs', ''],
    [
      'foreign/Cargo.toml',
      `[package]\nname = "foreign"\nversion = "1.0.0"\nedition = "2024"\n${licence === '' ? '' : `license = "${licence}"\n`}`,
    ],
    ['foreign/src/lib.rs', ''],
  ] as const) {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  run('cargo', ['generate-lockfile', '--offline', '--quiet'], { cwd: folder });
  expect(licenceProblems(folder)).toEqual([expect.stringContaining(why)]);
});

/** The crates as a registry would get them: built from their packages alone, with what documents them. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { run } from '../src/command.js';
import { buildCrates, crateProblems, packCrates, type PackedCrate } from '../src/crates.js';
import { ROOT } from '../src/workspace.js';

const rust = join(ROOT, 'rust-shm');

const MANIFEST = {
  ...{ name: 'sample', version: '1.0.0', edition: '2024', 'rust-version': '1.85', license: 'MIT' },
  ...{ description: 'A sample', readme: 'README.md' },
  ...{ repository: 'https://localhost/sample', homepage: 'https://localhost/sample' },
};
const FILES = { LICENSE: 'MIT', 'README.md': '# sample', 'src/lib.rs': '' };

function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), 'vas-crates-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

it('R3, O1, D2: the reader crate and the tool build from their own packages, with their documents in them', () => {
  const targetDir = join(rust, 'target/package-check');
  const crates = packCrates(rust, targetDir);
  expect(crates.map(({ name }) => name).sort()).toEqual([
    'vas-frame-picture',
    'vas-frame-protocol',
    'vas-frame-segment',
    'vas-frames-cli',
  ]);
  expect(crates.flatMap(crateProblems)).toEqual([]);
  buildCrates(crates, { folder: join(targetDir, 'crates'), targetDir, lock: join(rust, 'Cargo.lock') });
  const protocol = crates.find(({ name }) => name === 'vas-frame-protocol');
  expect(run('tar', ['-tzf', protocol?.path ?? ''], { cwd: rust })).toContain('/PROTOCOL.md\n');
}, 1_200_000);

describe('a crate', () => {
  function manifestOf(fields: Readonly<Record<string, string>>, rest = ''): string {
    const lines = Object.entries(fields).map(([field, value]) => `${field} = "${value}"\n`);
    return `[package]\n${lines.join('')}${rest}\n`;
  }

  /** Packs a workspace of these files, and builds from the packages. */
  function packed(files: Readonly<Record<string, string>>): PackedCrate[] {
    const folder = temporary();
    const all = {
      'Cargo.toml': '[workspace]\nresolver = "3"\nmembers = ["sample"]\n',
      'sample/Cargo.toml': manifestOf(MANIFEST),
      ...Object.fromEntries(Object.entries(FILES).map(([file, text]) => [`sample/${file}`, text])),
      ...files,
    };
    for (const [file, text] of Object.entries(all)) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), text);
    }
    run('cargo', ['generate-lockfile', '--offline', '--quiet'], { cwd: folder });
    const targetDir = join(folder, 'target');
    const crates = packCrates(folder, targetDir);
    const unpacked = join(folder, 'unpacked');
    buildCrates(crates, { folder: unpacked, targetDir, lock: join(folder, 'Cargo.lock') });
    return crates;
  }

  it('D3: passes as it should be', () => {
    expect(packed({}).flatMap(crateProblems)).toEqual([]);
  });

  it('D3: that needs another one without a version is refused', () => {
    expect(() =>
      packed({
        'sample/Cargo.toml': manifestOf(MANIFEST, '[dependencies]\nother = { path = "../other" }'),
        'other/Cargo.toml': manifestOf({ ...MANIFEST, name: 'other' }, 'publish = false'),
        'other/src/lib.rs': '',
      }),
    ).toThrow(/all dependencies must have a version/);
  });

  it('D3: that leaves out a source is refused', () => {
    expect(() =>
      packed({
        'sample/Cargo.toml': manifestOf(MANIFEST, 'include = ["/src/lib.rs", "/README.md", "/LICENSE"]'),
        'sample/src/lib.rs': 'mod left_out;',
        'sample/src/left_out.rs': '',
      }),
    ).toThrow(/left_out/);
  });

  it.each<[string, string, (home: string) => void]>([
    [
      'without its licence',
      'LICENSE is missing',
      (home) => {
        rmSync(join(home, 'LICENSE'));
      },
    ],
    [
      'without what documents it',
      'README.md is missing',
      (home) => {
        rmSync(join(home, 'README.md'));
      },
    ],
    [
      'with a file of its tests',
      'tests/own.rs does not belong',
      (home) => {
        mkdirSync(join(home, 'tests'));
        writeFileSync(join(home, 'tests/own.rs'), '');
      },
    ],
    [
      'that does not say where it comes from',
      'has no repository',
      (home) => {
        const { repository, ...others } = MANIFEST;
        expect(repository).toBeDefined();
        writeFileSync(join(home, 'Cargo.toml'), manifestOf(others));
      },
    ],
  ])('D3: %s is refused', (_, why, change) => {
    const folder = temporary();
    const home = join(folder, 'sample-1.0.0');
    for (const [file, text] of Object.entries({ ...FILES, 'Cargo.toml': manifestOf(MANIFEST) })) {
      mkdirSync(dirname(join(home, file)), { recursive: true });
      writeFileSync(join(home, file), text);
    }
    change(home);
    const path = join(folder, 'sample-1.0.0.crate');
    execFileSync('tar', [
      '-czf',
      path,
      '-C',
      folder,
      ...run('find', ['sample-1.0.0', '-type', 'f'], { cwd: folder }).trim().split('\n'),
    ]);
    expect(crateProblems({ name: 'sample', version: '1.0.0', path })).toEqual([expect.stringContaining(why)]);
  });
});

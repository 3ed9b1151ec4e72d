/** What a consumer gets: the packed package, installed by npm into an empty project. */
import { spawnSync, type SpawnSyncReturns } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const packages = fileURLToPath(new URL('../../', import.meta.url));
const { packageManager } = readJson(join(packages, '../package.json')) as { packageManager: string };
const work = mkdtempSync(join(tmpdir(), 'vas-ruth-core-'));
const alone = join(work, 'alone');
const both = join(work, 'both');

const COMPILERS = ['typescript', 'typescript-newest'] as const;

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, 'utf8'));
}

function run(command: string, args: readonly string[], cwd: string): SpawnSyncReturns<string> {
  return spawnSync(command, args, { cwd, encoding: 'utf8' });
}

function mustRun(command: string, args: readonly string[], cwd: string): string {
  const { status, stdout, stderr } = run(command, args, cwd);
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed:\n${stdout}${stderr}`);
  return stdout;
}

/** Packs a package of the workspace as it would be published. */
function pack(name: string): string {
  const before = new Set(readdirSync(work));
  const pnpm = ['exec', '--yes', `--package=${packageManager}`, '--', 'pnpm'];
  mustRun('npm', [...pnpm, 'pack', '--pack-destination', work], join(packages, name));
  const [tarball] = readdirSync(work).filter((file) => !before.has(file));
  if (tarball === undefined) throw new Error(`${name} was not packed`);
  return join(work, tarball);
}

/** An empty project with the sources of `test/consumer` that it is to compile. */
function makeConsumer(folder: string, sources: readonly string[]): void {
  mkdirSync(folder);
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({ name: 'consumer', private: true, type: 'module' }),
  );
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({
      compilerOptions: {
        ...{ target: 'ES2022', lib: ['ES2022'], module: 'NodeNext', moduleResolution: 'NodeNext', types: [] },
        ...{ strict: true, exactOptionalPropertyTypes: true, skipLibCheck: false, noEmit: true },
      },
      files: sources,
    }),
  );
  for (const source of sources) {
    copyFileSync(fileURLToPath(new URL(`consumer/${source}`, import.meta.url)), join(folder, source));
  }
}

function typeCheck(compiler: (typeof COMPILERS)[number], folder: string): { ok: boolean; output: string } {
  const tsc = join(packages, 'ruth-core/node_modules', compiler, 'bin/tsc');
  const { status, stdout, stderr } = run(process.execPath, [tsc, '-p', '.'], folder);
  return { ok: status === 0, output: stdout + stderr };
}

/** Runs `check` with one text of a file replaced, and puts the file back. */
function withReplaced(path: string, text: string, by: string, check: () => void): void {
  const original = readFileSync(path, 'utf8');
  expect(original).toContain(text);
  writeFileSync(path, original.replace(text, by));
  try {
    check();
  } finally {
    writeFileSync(path, original);
  }
}

let tarball: string;

beforeAll(() => {
  tarball = pack('ruth-core');
}, 120_000);

afterAll(() => {
  rmSync(work, { recursive: true, force: true });
});

describe('the packed package, installed alone', () => {
  const installed = join(alone, 'node_modules/@vas/ruth-core');

  beforeAll(() => {
    makeConsumer(alone, ['valid.ts', 'wrong.ts']);
    mustRun('npm', ['install', '--offline', '--no-audit', '--no-fund', tarball], alone);
  }, 120_000);

  it('P3.8: is the only package that is installed, and has no native file', () => {
    const lock = readJson(join(alone, 'package-lock.json')) as { packages: object };
    expect(Object.keys(lock.packages)).toEqual(['', 'node_modules/@vas/ruth-core']);
    const files = readdirSync(installed, { recursive: true, withFileTypes: true }).filter((file) =>
      file.isFile(),
    );
    expect(files.map(({ name }) => name).sort()).toEqual([
      'LICENSE',
      'README.md',
      'index.d.ts',
      'index.js',
      'package.json',
    ]);
  });

  it('P3.8: depends on nothing, runs no script at installation, and leaks nothing of the workspace', () => {
    const manifest = readFileSync(join(installed, 'package.json'), 'utf8');
    expect(manifest).not.toMatch(/workspace:|catalog:/);
    const fields = Object.keys(JSON.parse(manifest) as object);
    for (const field of [
      'dependencies',
      'devDependencies',
      'peerDependencies',
      'optionalDependencies',
      'bundledDependencies',
    ]) {
      expect(fields).not.toContain(field);
    }
    expect(manifest).not.toMatch(/"(pre|post)?install"|"prepare"/);
  });

  it('P3.8: loads by import and by require, as one and the same instance', () => {
    const program = `
      import { createRequire } from 'node:module';
      import { RuthState } from '@vas/ruth-core';
      const required = createRequire(import.meta.url)('@vas/ruth-core');
      const state = new RuthState();
      state.ensureAgent('door');
      console.log(required.RuthState === RuthState, state.counts().agents);`;
    expect(mustRun(process.execPath, ['--input-type=module', '-e', program], alone)).toBe('true 1\n');
    const required = `console.log(new (require('@vas/ruth-core').RuthState)().counts().agents);`;
    expect(mustRun(process.execPath, ['--input-type=commonjs', '-e', required], alone)).toBe('0\n');
  });

  it.each(COMPILERS)(
    'P3.8: type-checks under %s with skipLibCheck off, and wrong types are rejected',
    (compiler) => {
      expect(typeCheck(compiler, alone)).toEqual({ ok: true, output: '' });
    },
  );

  it.each(COMPILERS)('P3.8: a declaration that %s cannot resolve would be noticed', (compiler) => {
    const declarations = join(installed, 'dist/index.d.ts');
    const inlined =
      /interface FrameSourceRef \{[^}]*\}/.exec(readFileSync(declarations, 'utf8'))?.[0] ?? 'no interface';
    withReplaced(
      declarations,
      inlined,
      `import type { FrameSourceRef } from '@vas/frame-export/types';`,
      () => {
        expect(typeCheck(compiler, alone).output).toMatch(/TS2307.*@vas\/frame-export\/types/);
      },
    );
    withReplaced(declarations, inlined, 'type FrameSourceRef = any;', () => {
      expect(typeCheck(compiler, alone).output).toMatch(/wrong\.ts.*TS2578/);
    });
  });
});

describe('the packed package beside the packed @vas/frame-export', () => {
  const installed = (name: string): string => join(both, 'node_modules/@vas', name);

  beforeAll(() => {
    makeConsumer(both, ['both.ts']);
    // Unpacked, not installed: only the types are looked at, on any platform.
    for (const [name, file] of [
      ['ruth-core', tarball],
      ['frame-export', pack('frame-export')],
      ['ring-buffer', pack('ring-buffer')],
    ] as const) {
      mkdirSync(installed(name), { recursive: true });
      mustRun('tar', ['-xzf', file, '--strip-components=1', '-C', installed(name)], both);
    }
  }, 120_000);

  it.each(COMPILERS)('P3.8: frame source references are the same type on both sides, says %s', (compiler) => {
    expect(typeCheck(compiler, both)).toEqual({ ok: true, output: '' });
  });

  it.each([
    ['a changed type', 'readonly layoutVersion: number;', 'readonly layoutVersion: string;'],
    [
      'a further field',
      'readonly layoutVersion: number;',
      'readonly layoutVersion: number; readonly host: string;',
    ],
    [
      'an optional field',
      'readonly layoutVersion: number;',
      'readonly layoutVersion: number; readonly host?: string;',
    ],
    ['a renamed field', 'readonly layoutVersion: number;', 'readonly version: number;'],
  ])('P3.8: %s on one side only is an error', (_, field, changed) => {
    for (const side of ['ruth-core/dist/index.d.ts', 'frame-export/dist/types.d.ts']) {
      withReplaced(installed(side), field, changed, () => {
        expect(typeCheck('typescript-newest', both).output).toMatch(/both\.ts.*error/);
      });
    }
  });

  it('P3.8: loading the types at run time fails at once', () => {
    const { status, stderr } = run(process.execPath, ['-e', `import('@vas/frame-export/types')`], both);
    expect(status).not.toBe(0);
    expect(stderr).toMatch(/ERR_PACKAGE_PATH_NOT_EXPORTED/);
  });
});

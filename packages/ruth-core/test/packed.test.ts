/** What a consumer gets: the packed package, installed by npm into an empty project. */
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { COMPILERS, Consumer, majorOf, Tarballs, type Compiler } from '@vas/release/consumer';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const tarballs = new Tarballs();
const alone = new Consumer();
const both = new Consumer();

/** Nothing of a browser or of Node. */
const LANGUAGE = { lib: ['es2022'], module: 'nodenext' } as const;

/** A file of `test/consumer`. */
function source(name: string): string {
  return readFileSync(new URL(`consumer/${name}`, import.meta.url), 'utf8');
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

afterAll(() => {
  alone.remove();
  both.remove();
  tarballs.remove();
});

describe('the packed package, installed alone', () => {
  const installed = alone.installed('@vas/ruth-core');

  beforeAll(() => {
    alone.install(tarballs.of('packages/ruth-core'));
  }, 120_000);

  const check = (compiler: Compiler): string =>
    alone.typeCheck(compiler, { 'valid.ts': source('valid.ts'), 'wrong.ts': source('wrong.ts') }, LANGUAGE);

  it('P3.8: is the only package that is installed, and has no native file', () => {
    const lock = JSON.parse(readFileSync(join(alone.folder, 'package-lock.json'), 'utf8')) as {
      packages: object;
    };
    expect(Object.keys(lock.packages)).toEqual(['', 'node_modules/@vas/ruth-core']);
    const files = readdirSync(installed, { recursive: true, withFileTypes: true }).filter((file) =>
      file.isFile(),
    );
    expect(
      files
        .map(({ name }) => name)
        .filter((name) => !/^[\w-]+(?<!\.d)\.ts$/.test(name))
        .sort(),
    ).toEqual([
      'LICENSE',
      'README.md',
      'index.cjs',
      'index.d.cts',
      'index.d.ts',
      'index.js',
      'index.js.map',
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
    expect(alone.evaluate(program)).toBe('true 1');
    const required = `console.log(new (require('@vas/ruth-core').RuthState)().counts().agents);`;
    expect(alone.evaluate(required, 'commonjs')).toBe('0');
  });

  it.each(COMPILERS)(
    'P3.8: type-checks under %s with skipLibCheck off, and wrong types are rejected',
    (compiler) => {
      expect(check(compiler)).toBe('');
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
        expect(check(compiler)).toMatch(/TS2307.*@vas\/frame-export\/types/);
      },
    );
    withReplaced(declarations, inlined, 'type FrameSourceRef = any;', () => {
      expect(check(compiler)).toMatch(/wrong\.ts.*TS2578/);
    });
  });
});

describe('the packed package in a CommonJS application', () => {
  const host = new Consumer('commonjs');

  beforeAll(() => {
    host.install(tarballs.of('packages/ruth-core'));
  }, 120_000);

  afterAll(() => {
    host.remove();
  });

  it.each(
    COMPILERS.flatMap((compiler) => [
      [compiler, 'node16', { module: 'node16' }] as const,
      // Version 7 has neither the resolution nor an old target any more.
      ...(majorOf(compiler) < 7
        ? [[compiler, 'node10', { module: 'commonjs', moduleResolution: 'node' }] as const]
        : []),
    ]),
  )('P3.8: type-checks under %s with %s', (compiler, _, options) => {
    const files = { 'valid.ts': source('valid.ts'), 'wrong.ts': source('wrong.ts') };
    expect(host.typeCheck(compiler, files, { ...LANGUAGE, ...options })).toBe('');
  });
});

describe('the packed package beside the packed @vas/frame-export', () => {
  beforeAll(() => {
    const [ruthCore = '', frameExport = '', ringBuffer = ''] = tarballs.of(
      'packages/ruth-core',
      'packages/frame-export',
      'packages/ring-buffer',
    );
    // Unpacked, not installed: only the types are looked at, on any platform.
    both.unpack({
      '@vas/ruth-core': ruthCore,
      '@vas/frame-export': frameExport,
      '@vas/ring-buffer': ringBuffer,
    });
  }, 120_000);

  const check = (compiler: Compiler): string => both.typeCheck(compiler, { 'both.ts': source('both.ts') });

  it.each(COMPILERS)('P3.8: frame source references are the same type on both sides, says %s', (compiler) => {
    expect(check(compiler)).toBe('');
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
    for (const side of ['@vas/ruth-core/dist/index.d.ts', '@vas/frame-export/dist/types.d.ts']) {
      withReplaced(both.installed(side), field, changed, () => {
        expect(check('typescript-newest')).toMatch(/both\.ts.*error/);
      });
    }
  });

  it('P3.8: loading the types at run time fails at once', () => {
    expect(() => both.evaluate(`import('@vas/frame-export/types')`)).toThrow(/ERR_PACKAGE_PATH_NOT_EXPORTED/);
  });
});

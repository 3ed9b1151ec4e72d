import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const home = fileURLToPath(new URL('..', import.meta.url));
const { packageManager } = JSON.parse(readFileSync(join(home, '../../package.json'), 'utf8')) as {
  packageManager: string;
};
const PNPM = ['exec', '--yes', `--package=${packageManager}`, '--', 'pnpm'];

/** A folder with nothing in it but the installed tarball. */
let consumer: string;

function run(command: string, args: readonly string[], cwd = consumer): string {
  return execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
}

function write(name: string, text: string): void {
  writeFileSync(join(consumer, name), text);
}

beforeAll(() => {
  consumer = mkdtempSync(join(tmpdir(), 'vas-ring-buffer-packed-'));
  run('npm', [...PNPM, 'pack', '--pack-destination', consumer], home);
  const tarball = readdirSync(consumer).find((name) => name.endsWith('.tgz')) ?? '';
  write('package.json', '{ "private": true }');
  run('npm', ['install', `./${tarball}`, '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error']);
}, 180_000);

afterAll(() => {
  rmSync(consumer, { recursive: true, force: true });
});

describe('the packed package', () => {
  it('holds what is needed and nothing else', () => {
    const installed = join(consumer, 'node_modules/@vas/ring-buffer');
    expect(readdirSync(installed, { recursive: true }).sort()).toEqual(
      ['LICENSE', 'README.md', 'dist', 'dist/index.d.ts', 'dist/index.js', 'package.json'].sort(),
    );
    const manifest = readFileSync(join(installed, 'package.json'), 'utf8');
    expect(manifest).not.toMatch(/workspace:|catalog:/);
    expect(JSON.parse(manifest)).not.toHaveProperty('dependencies');
    expect(readFileSync(join(installed, 'dist/index.js'), 'utf8')).not.toMatch(/\bimport\b|\brequire\b/);
  });

  it('is one and the same for import and require', () => {
    write(
      'both.mjs',
      `import { createRequire } from 'node:module';
       import * as imported from '@vas/ring-buffer';
       const required = createRequire(import.meta.url)('@vas/ring-buffer');
       const memory = required.allocateFrameRing({ width: 16, height: 16 });
       new imported.FrameRingWriter(memory).push(new Uint8Array(384));
       console.log(required.FrameRingReader === imported.FrameRingReader, new required.FrameRingReader(memory).newestId);`,
    );
    expect(run(process.execPath, ['--no-warnings', 'both.mjs'])).toBe('true 1\n');
  });

  it('type-checks alone, strictly, without skipping libraries', () => {
    const tsc = join(home, 'node_modules/typescript/bin/tsc');
    const compilerOptions = {
      strict: true,
      skipLibCheck: false,
      noEmit: true,
      types: [],
      module: 'nodenext',
    };
    write('tsconfig.json', JSON.stringify({ compilerOptions, files: ['main.mts'] }));
    const check = (text: string): string => {
      write('main.mts', text);
      try {
        return run(process.execPath, [tsc, '-p', '.']);
      } catch (error) {
        return String((error as { stdout: unknown }).stdout);
      }
    };
    const use = (into: string): string =>
      `import { FrameRingReader, allocateFrameRing, type FrameRead } from '@vas/ring-buffer';
       const reader = new FrameRingReader(allocateFrameRing({ width: 16, height: 16, shared: true }));
       export const read: FrameRead = reader.copyNext(${into}, 0);
       export const id: number = read.status === 'frame' ? read.frame.frameId : 0;`;
    expect(check(use('new Uint8Array(384)'))).toBe('');
    expect(check(use("'text'"))).toContain('TS2345');
  });
});

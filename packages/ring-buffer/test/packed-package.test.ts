import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Consumer, Tarballs, type ModuleFormat } from '@vas/release/consumer';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const tarballs = new Tarballs();
/** Nothing in it but the installed tarball. */
const consumer = new Consumer();

beforeAll(() => {
  consumer.install(tarballs.of('packages/ring-buffer'));
}, 180_000);

afterAll(() => {
  consumer.remove();
  tarballs.remove();
});

describe('the packed package', () => {
  it('holds what is needed and nothing else', () => {
    const installed = consumer.installed('@vas/ring-buffer');
    const dist = ['index.cjs', 'index.d.cts', 'index.d.ts', 'index.js', 'index.js.map'];
    const files = readdirSync(installed, { recursive: true }).map(String);
    expect(files.filter((file) => !file.startsWith('src')).sort()).toEqual(
      ['LICENSE', 'README.md', 'dist', ...dist.map((file) => `dist/${file}`), 'package.json'].sort(),
    );
    const manifest = readFileSync(join(installed, 'package.json'), 'utf8');
    expect(manifest).not.toMatch(/workspace:|catalog:/);
    expect(JSON.parse(manifest)).not.toHaveProperty('dependencies');
    expect(readFileSync(join(installed, 'dist/index.js'), 'utf8')).not.toMatch(/\bimport\b|\brequire\b/);
  });

  it('is one and the same for import and require', () => {
    const program = `
      import { createRequire } from 'node:module';
      import * as imported from '@vas/ring-buffer';
      const required = createRequire(import.meta.url)('@vas/ring-buffer');
      const memory = required.allocateFrameRing({ width: 16, height: 16 });
      new imported.FrameRingWriter(memory).push(new Uint8Array(384));
      console.log(required.FrameRingReader === imported.FrameRingReader, new required.FrameRingReader(memory).newestId);`;
    expect(consumer.evaluate(program)).toBe('true 1');
  });

  const use = (into: string): string =>
    `import { FrameRingReader, allocateFrameRing, type FrameRead } from '@vas/ring-buffer';
     const reader = new FrameRingReader(allocateFrameRing({ width: 16, height: 16, shared: true }));
     export const read: FrameRead = reader.copyNext(${into}, 0);
     export const id: number = read.status === 'frame' ? read.frame.frameId : 0;`;

  it.each<[string, ModuleFormat, Record<string, unknown>]>([
    ['nodenext', 'module', { module: 'nodenext' }],
    ['node16 in CommonJS', 'commonjs', { module: 'node16' }],
    ['node10', 'commonjs', { module: 'commonjs', moduleResolution: 'node10' }],
  ])('type-checks alone under %s, strictly, without skipping libraries', (_, format, options) => {
    const file = format === 'module' ? 'main.mts' : 'main.cts';
    expect(consumer.typeCheck('typescript', { [file]: use('new Uint8Array(384)') }, options)).toBe('');
    expect(consumer.typeCheck('typescript', { [file]: use("'text'") }, options)).toContain('TS2345');
  });
});

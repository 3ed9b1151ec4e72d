import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Consumer, Tarballs, type ModuleFormat } from '@vas/release/consumer';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const tarballs = new Tarballs();
/** Applications with the native file and without. */
const withNative = new Consumer();
const withoutNative = new Consumer();

beforeAll(() => {
  const pure = tarballs.of('packages/ring-buffer', 'packages/frame-export');
  const native = tarballs.of(`packages/frame-export/npm/linux-${process.arch}-gnu`);
  withNative.install([...pure, ...native]);
  withoutNative.install(pure);
}, 240_000);

afterAll(() => {
  withNative.remove();
  withoutNative.remove();
  tarballs.remove();
});

describe('the packed package', () => {
  it('holds what is needed and nothing else', () => {
    const installed = withNative.installed('@vas/frame-export');
    const files = readdirSync(installed, { recursive: true }).map(String);
    expect(files.filter((file) => !/^(dist|src)/.test(file)).sort()).toEqual(
      [
        ...['LICENSE', 'README.md', 'package.json', 'bin', 'bin/vas-frames.cjs'],
        ...['native', 'native/binding.cjs', 'native/binding.d.cts'],
      ].sort(),
    );
    expect(files.filter((file) => file.endsWith('.node'))).toEqual([]);
    expect(readFileSync(join(installed, 'package.json'), 'utf8')).not.toMatch(/workspace:|catalog:/);
  });

  it('exports and reads with the native file of the platform package', () => {
    const output = withNative.evaluate(
      `import { mkdtempSync, rmSync } from 'node:fs';
       import { createRequire } from 'node:module';
       import { createFrameExporter } from '@vas/frame-export';
       import { openFrameSource } from '@vas/frame-export/reader';
       const baseDir = mkdtempSync('/dev/shm/vas-test-');
       try {
         const camera = createFrameExporter({ baseDir }).openCamera({ cameraId: 'cam', width: 16, height: 16 });
         camera.publish(new Uint8Array(384).fill(7));
         const required = createRequire(import.meta.url)('@vas/frame-export/reader');
         console.log(required.openFrameSource === openFrameSource, openFrameSource(camera.source).lookNewest((bytes) => bytes[0]).value);
         camera.close();
       } finally {
         rmSync(baseDir, { recursive: true });
       }`,
      'module',
      { AI_FRAME_EXPORT_ENABLED: 'true' },
    );
    expect(output).toBe('true 7');
  });

  it('O1: runs the command line tool of the platform package by npx, with its exit codes', () => {
    const npx = (consumer: Consumer, ...args: string[]): string => {
      const line = 'npx --offline --no-install vas-frames "$@" 2>&1; echo "exit code $?"';
      return consumer.run('sh', ['-c', line, 'sh', ...args]);
    };
    const { version } = JSON.parse(
      readFileSync(join(withNative.installed('@vas/frame-export'), 'package.json'), 'utf8'),
    ) as { version: string };
    expect(npx(withNative, '--version')).toBe(`vas-frames ${version}\nexit code 0\n`);
    const absent = npx(withNative, '--base-dir', '/dev/shm/vas-test-nobody', 'health', 'entrance');
    expect(absent).toBe('absent\nexit code 3\n');
    expect(npx(withoutNative, 'list')).toMatch(/platform package .* \(NATIVE_UNAVAILABLE\)\nexit code 4\n$/);
  });

  it('P2.12, G4: works without the native file as long as nothing needs it', () => {
    const script = `
      import { createFrameExporter } from '@vas/frame-export';
      import { openFrameSource } from '@vas/frame-export/reader';
      const codes = [];
      const attempt = (call) => { try { call(); codes.push('ok'); } catch (error) { codes.push(error.code); } };
      const camera = { cameraId: 'cam', width: 16, height: 16 };
      attempt(() => createFrameExporter({ env: {} }).openCamera(camera).publish(new Uint8Array(1)));
      attempt(() => createFrameExporter({ baseDir: '/nowhere', env: { AI_FRAME_EXPORT_ENABLED: 'true' } }).openCamera(camera));
      attempt(() => openFrameSource({ cameraId: 'cam' }));
      console.log(codes.join());`;
    expect(withoutNative.evaluate(script)).toBe('ok,NATIVE_UNAVAILABLE,NATIVE_UNAVAILABLE');
  });

  const use = (cameraId: string): string =>
    `import type { FrameMetadata, FrameSourceRef } from '@vas/frame-export/types';
     import { openFrameSource, type SourceRead } from '@vas/frame-export/reader';
     import { createFrameExporter, type CameraExport } from '@vas/frame-export';
     const ref: FrameSourceRef = { cameraId: ${cameraId}, path: '/dev/shm/vas/cam', layoutVersion: 1 };
     export const read: SourceRead = openFrameSource(ref).copyNext(new Uint8Array(384));
     export const frame: FrameMetadata | null = read.status === 'frame' ? read.frame : null;
     export const camera: CameraExport = createFrameExporter({ env: {} }).openCamera({ cameraId: 'cam', width: 16, height: 16 });`;

  it.each<[string, ModuleFormat, Record<string, unknown>]>([
    ['nodenext', 'module', { module: 'nodenext' }],
    ['node16 in CommonJS', 'commonjs', { module: 'node16' }],
    ['node10', 'commonjs', { module: 'commonjs', moduleResolution: 'node10' }],
  ])(
    'P2.12: has types that check under %s without the native file',
    (_, format, options) => {
      const file = format === 'module' ? 'main.mts' : 'main.cts';
      expect(withoutNative.typeCheck('typescript', { [file]: use("'cam'") }, options)).toBe('');
      expect(withoutNative.typeCheck('typescript', { [file]: use('7') }, options)).toContain('TS2322');
    },
    120_000,
  );

  it('P2.12: has types that no program can load', () => {
    const imports = `await import('@vas/frame-export/types').then(() => console.log('loaded'), (error) => console.log(error.code));`;
    expect(withoutNative.evaluate(imports)).toBe('ERR_PACKAGE_PATH_NOT_EXPORTED');
    const requires = `try { require('@vas/frame-export/types'); } catch (error) { console.log(error.code); }`;
    expect(withoutNative.evaluate(requires, 'commonjs')).toBe('ERR_PACKAGE_PATH_NOT_EXPORTED');
  });
});

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const home = fileURLToPath(new URL('..', import.meta.url));
const { packageManager } = JSON.parse(readFileSync(join(home, '../../package.json'), 'utf8')) as {
  packageManager: string;
};
const PNPM = ['exec', '--yes', `--package=${packageManager}`, '--', 'pnpm'];
const PLATFORM = `linux-${process.arch}-gnu`;
/** Tarballs, and an application with the native file and one without. */
let folder: string;

function run(command: string, args: readonly string[], cwd: string): string {
  return execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
}

function install(application: string, names: readonly RegExp[]): void {
  const cwd = join(folder, application);
  mkdirSync(cwd);
  writeFileSync(join(cwd, 'package.json'), '{ "private": true, "type": "module" }');
  const tarballs = readdirSync(folder).filter((file) => names.some((name) => name.test(file)));
  expect(tarballs).toHaveLength(names.length);
  const files = tarballs.map((file) => join(folder, file));
  // The platform packages of this version are not on any registry yet.
  run(
    'npm',
    ['install', ...files, '--omit=optional', '--no-audit', '--no-fund', '--prefer-offline', '--silent'],
    cwd,
  );
}

function evaluate(application: string, script: string, env: NodeJS.ProcessEnv = {}): string {
  const args = ['--input-type=module', '-e', script];
  // NODE_PATH leads into the workspace when pnpm runs the tests.
  const clean = { ...process.env, NODE_PATH: '', ...env };
  const options = { cwd: join(folder, application), encoding: 'utf8', env: clean } as const;
  return execFileSync(process.execPath, args, options).trim();
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'vas-frame-export-packed-'));
  for (const path of ['.', '../ring-buffer', `npm/${PLATFORM}`]) {
    run('npm', [...PNPM, 'pack', '--pack-destination', folder], join(home, path));
  }
  const pure = [/^vas-frame-export-\d.*\.tgz$/, /^vas-ring-buffer-.*\.tgz$/];
  install('with-native', [...pure, /^vas-frame-export-linux-.*\.tgz$/]);
  install('without-native', pure);
}, 240_000);

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('the packed package', () => {
  it('holds what is needed and nothing else', () => {
    const installed = join(folder, 'with-native/node_modules/@vas/frame-export');
    const files = readdirSync(installed, { recursive: true }).map(String);
    expect(files.filter((file) => !file.startsWith('dist')).sort()).toEqual(
      ['LICENSE', 'README.md', 'native', 'native/binding.cjs', 'native/binding.d.cts', 'package.json'].sort(),
    );
    expect(files.filter((file) => file.endsWith('.map') || file.endsWith('.node'))).toEqual([]);
    expect(readFileSync(join(installed, 'package.json'), 'utf8')).not.toMatch(/workspace:|catalog:/);
  });

  it('exports and reads with the native file of the platform package', () => {
    const output = evaluate(
      'with-native',
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
      { AI_FRAME_EXPORT_ENABLED: 'true' },
    );
    expect(output).toBe('true 7');
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
    expect(evaluate('without-native', script)).toBe('ok,NATIVE_UNAVAILABLE,NATIVE_UNAVAILABLE');
  });

  it(
    'P2.12: has types that check without the native file, and that no program can import',
    { timeout: 120_000 },
    () => {
      const cwd = join(folder, 'without-native');
      const compilerOptions = {
        strict: true,
        skipLibCheck: false,
        noEmit: true,
        types: [],
        module: 'nodenext',
      };
      writeFileSync(join(cwd, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['main.ts'] }));
      const check = (cameraId: string): string => {
        writeFileSync(
          join(cwd, 'main.ts'),
          `import type { FrameMetadata, FrameSourceRef } from '@vas/frame-export/types';
         import { openFrameSource, type SourceRead } from '@vas/frame-export/reader';
         import { createFrameExporter, type CameraExport } from '@vas/frame-export';
         const ref: FrameSourceRef = { cameraId: ${cameraId}, path: '/dev/shm/vas/cam', layoutVersion: 1 };
         export const read: SourceRead = openFrameSource(ref).copyNext(new Uint8Array(384));
         export const frame: FrameMetadata | null = read.status === 'frame' ? read.frame : null;
         export const camera: CameraExport = createFrameExporter({ env: {} }).openCamera({ cameraId: 'cam', width: 16, height: 16 });`,
        );
        try {
          return run(process.execPath, [join(home, 'node_modules/typescript/bin/tsc'), '-p', '.'], cwd);
        } catch (error) {
          return String((error as { stdout: unknown }).stdout);
        }
      };
      expect(check("'cam'")).toBe('');
      expect(check('7')).toContain('TS2322');
      const importTypes = `await import('@vas/frame-export/types').then(() => console.log('loaded'), (error) => console.log(error.code));`;
      expect(evaluate('without-native', importTypes)).toBe('ERR_PACKAGE_PATH_NOT_EXPORTED');
    },
  );
});

/** Clean applications that install the released packages from a registry, each with a package manager of its own. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { CommandFailed, run } from './command.js';
import { COMPILERS, compilerPath, majorOf, type Compiler } from './compilers.js';
import type { Registry } from './registry.js';
import { pnpmOf, ROOT } from './workspace.js';

export interface Consumers {
  readonly folder: string;
  readonly registry: Registry;
  /** Only npm, and one version of TypeScript. */
  readonly isQuick: boolean;
  readonly step: (what: string) => void;
}

/** How a package manager installs, and how Node is run on what it has installed. */
interface Manager {
  readonly files?: Readonly<Record<string, string>>;
  readonly install: (cwd: string) => void;
  /** Whether Node can require an ES module of it that has imports of its own. True unless it says otherwise. */
  readonly canRequire?: boolean;
  readonly node?: (cwd: string, args: readonly string[], env: NodeJS.ProcessEnv) => string;
}

/** Writes a frame and reads it back; `LOAD` is what loads the packages in the format of the file. */
const BODY = `
const ruth = new RuthState();
ruth.ensureAgent('cam');
const baseDir = mkdtempSync('/dev/shm/vas-test-');
try {
  const camera = createFrameExporter({ baseDir }).openCamera({ cameraId: 'cam', width: 16, height: 16 });
  camera.publish(new Uint8Array(384).fill(7));
  const memory = allocateFrameRing({ width: 16, height: 16 });
  const read = openFrameSource(camera.source).lookNewest((bytes) => bytes[0]);
  console.log(read.value, memory !== undefined, ruth.counts().agents);
  camera.close();
} catch (error) {
  console.log(error.code);
} finally {
  rmSync(baseDir, { recursive: true });
}
`;

const LOADED = [
  ['mkdtempSync, rmSync', 'node:fs'],
  ['createFrameExporter', '@vas/frame-export'],
  ['openFrameSource', '@vas/frame-export/reader'],
  ['allocateFrameRing', '@vas/ring-buffer'],
  ['RuthState', '@vas/ruth-core'],
] as const;

const MODULE = `${LOADED.map(([names, from]) => `import { ${names} } from '${from}';`).join('\n')}${BODY}`;
const COMMONJS = `${LOADED.map(([names, from]) => `const { ${names} } = require('${from}');`).join('\n')}${BODY}`;

const TYPED = `
import { createFrameExporter, type CameraExport } from '@vas/frame-export';
import { openFrameSource, type SourceRead } from '@vas/frame-export/reader';
import type { FrameSourceRef } from '@vas/frame-export/types';
import { allocateFrameRing, FrameRingReader, type FrameRead } from '@vas/ring-buffer';
import { RuthState, type Change } from '@vas/ruth-core';

export const camera: CameraExport = createFrameExporter({ env: {} }).openCamera({ cameraId: 'cam', width: 16, height: 16 });
const source: FrameSourceRef = { cameraId: 'cam', path: '/dev/shm/vas/cam', layoutVersion: 1 };
export const looked: SourceRead = openFrameSource(source).copyNext(new Uint8Array(384));
const ring = new FrameRingReader(allocateFrameRing({ width: 16, height: 16, shared: true }));
export const read: FrameRead = ring.copyNext(new Uint8Array(384), 0);
export const changes: readonly Change[] = new RuthState().bindFrameSource(source).changes;
// @ts-expect-error a camera id is a string
new RuthState().ensureAgent(7);
`;

const ON = { AI_FRAME_EXPORT_ENABLED: 'true' };
const WORKS = '7 true 1';

/** Throws if a consumer of `version` gets less than it should. */
export function checkConsumers(consumers: Consumers, version: string): void {
  for (const [name, manager] of Object.entries(managersOf(consumers))) {
    consumers.step(`consumer of ${name}`);
    const cwd = makeConsumer(consumers, name, version, manager);
    manager.install(cwd);
    const node = manager.node ?? runNode;
    expectEqual(node(cwd, ['main.mjs'], ON), WORKS, `${name}, import`);
    if (manager.canRequire !== false) expectEqual(node(cwd, ['main.cjs'], ON), WORKS, `${name}, require`);
    if (name !== 'npm') continue;
    checkTypes(consumers, cwd);
    checkBundles(consumers, cwd);
  }
  checkWithoutOptional(consumers, version);
}

function managersOf({ folder, isQuick }: Consumers): Readonly<Record<string, Manager>> {
  const npm: Manager = {
    install: (cwd) => run('npm', ['install', '--cache', join(folder, 'npm-cache'), ...QUIET], { cwd }),
  };
  if (isQuick) return { npm };
  const tools = join(ROOT, 'packages/release/node_modules');
  const pnpm = run('npm', [...pnpmOf(ROOT).slice(0, -1), 'sh', '-c', 'command -v pnpm'], {
    cwd: ROOT,
  }).trim();
  const berry = (cwd: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): string =>
    run(process.execPath, [join(tools, '@yarnpkg/cli-dist/bin/yarn.js'), ...args], { cwd, env });
  const yarn4 = (nodeLinker: string): Manager => ({
    files: { '.yarnrc.yml': berrySettings(nodeLinker, folder), 'yarn.lock': '' },
    install: (cwd) => berry(cwd, ['install']),
    node: (cwd, args, env) => berry(cwd, ['node', ...args], env).trim(),
  });
  return {
    npm,
    pnpm: { install: (cwd) => run(pnpm, ['install', '--store-dir', join(folder, 'pnpm-store')], { cwd }) },
    'yarn 1': {
      install: (cwd) =>
        run(
          process.execPath,
          [join(tools, 'yarn/bin/yarn.js'), 'install', '--cache-folder', join(folder, 'yarn-cache')],
          { cwd },
        ),
    },
    'yarn 4 with node_modules': yarn4('node-modules'),
    // Its ES modules are in archives, which Node 20 cannot look into while it requires one.
    "yarn 4 with Plug'n'Play": { ...yarn4('pnp'), canRequire: false },
  };
}

const QUIET = ['--no-audit', '--no-fund', '--loglevel=error'];

function berrySettings(nodeLinker: string, folder: string): string {
  return JSON.stringify({
    nodeLinker,
    enableGlobalCache: false,
    cacheFolder: join(folder, 'berry-cache'),
    globalFolder: join(folder, 'berry'),
    enableTelemetry: false,
    enableImmutableInstalls: false,
    // A release is to be had at once here.
    npmMinimalAgeGate: 0,
    npmRegistryServer: 'REGISTRY',
    unsafeHttpWhitelist: ['127.0.0.1'],
  });
}

function makeConsumer(
  { folder, registry }: Consumers,
  name: string,
  version: string,
  { files = {} }: Pick<Manager, 'files'>,
): string {
  const cwd = join(folder, name.replaceAll(/[^a-z0-9]+/g, '-'));
  mkdirSync(cwd);
  const dependencies = { '@vas/frame-export': version, '@vas/ring-buffer': '*', '@vas/ruth-core': '*' };
  const all = {
    'package.json': JSON.stringify({ name: 'consumer', version: '1.0.0', private: true, dependencies }),
    '.npmrc': registry.npmrc,
    '.yarnrc': `registry "${registry.url}"\n`,
    'main.mjs': MODULE,
    'main.cjs': COMMONJS,
    ...files,
  };
  for (const [file, text] of Object.entries(all)) {
    writeFileSync(join(cwd, file), text.replace('REGISTRY', registry.url));
  }
  return cwd;
}

function runNode(cwd: string, args: readonly string[], env: NodeJS.ProcessEnv): string {
  return run(process.execPath, args, { cwd, env }).trim();
}

/** Each resolution that a version of TypeScript has, for files of either format. */
function resolutionsOf(compiler: Compiler): [string, Readonly<Record<string, unknown>>][] {
  const everywhere: [string, Readonly<Record<string, unknown>>][] = ['mts', 'cts'].flatMap((extension) => [
    [extension, { module: 'node16', moduleResolution: 'node16' }],
    [extension, { module: 'nodenext', moduleResolution: 'nodenext' }],
  ]);
  everywhere.push(['ts', { module: 'esnext', moduleResolution: 'bundler' }]);
  // Gone since version 7.
  if (majorOf(compiler) < 7) everywhere.push(['ts', { module: 'commonjs', moduleResolution: 'node' }]);
  return everywhere;
}

function checkTypes({ isQuick, step }: Consumers, cwd: string): void {
  for (const compiler of isQuick ? (['typescript'] as const) : COMPILERS) {
    for (const [extension, options] of resolutionsOf(compiler)) {
      const { moduleResolution } = options;
      step(`types for ${compiler}, ${String(moduleResolution)}, .${extension}`);
      const compilerOptions = {
        ...{ target: 'es2022', lib: ['es2022', 'dom'], types: [], noEmit: true },
        ...{ strict: true, exactOptionalPropertyTypes: true, skipLibCheck: false, ...options },
      };
      writeFileSync(join(cwd, `typed.${extension}`), TYPED);
      writeFileSync(
        join(cwd, 'tsconfig.json'),
        JSON.stringify({ compilerOptions, files: [`typed.${extension}`] }),
      );
      run(process.execPath, [compilerPath(compiler), '-p', '.'], { cwd });
    }
  }
}

/** The native part stays outside of a bundle, with the package that loads it. */
function checkBundles({ step }: Consumers, cwd: string): void {
  for (const [file, format] of [
    ['main.mjs', 'esm'],
    ['main.cjs', 'cjs'],
  ] as const) {
    step(`bundle of ${file}`);
    const out = `bundle.${format === 'esm' ? 'mjs' : 'cjs'}`;
    buildSync({
      ...{ absWorkingDir: cwd, entryPoints: [file], outfile: out, format },
      ...{ bundle: true, platform: 'node', logLevel: 'silent', external: ['@vas/frame-export'] },
    });
    expectEqual(runNode(cwd, [out], ON), WORKS, `the bundle of ${file}`);
  }
}

/** Without its platform package the exporter says so where it would be needed, and is off as it is elsewhere. */
function checkWithoutOptional(consumers: Consumers, version: string): void {
  consumers.step('consumer without optional dependencies');
  const cwd = makeConsumer(consumers, 'without-optional', version, {});
  const cache = join(consumers.folder, 'npm-cache');
  run('npm', ['install', '--omit=optional', '--cache', cache, ...QUIET], { cwd });
  expectEqual(runNode(cwd, ['main.mjs'], ON), 'NATIVE_UNAVAILABLE', 'the exporter without its native file');
  rmSync(cwd, { recursive: true });
}

function expectEqual(actual: string, expected: string, what: string): void {
  if (actual !== expected) throw new CommandFailed(what, `printed ${actual}, not ${expected}`);
}

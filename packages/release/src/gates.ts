/**
 * What may not be published (D3). Each gate looks at what a registry would get, a tarball, and gives sentences that say
 * what is wrong with it.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, posix } from 'node:path';
import { problemsOf as symbolProblems } from '../../../scripts/platforms/symbols.mjs';
import type { Tarball } from './pack.js';
import { publishedOf, readManifest, type Manifest, type Published } from './workspace.js';

/** A tarball and the package that it was made of. */
export interface Packed {
  readonly published: Published;
  readonly tarball: Tarball;
}

type Gate = (packed: Packed, root: string) => string[];

/** The only gate that a binary does not pass that was built for this machine alone, as `npm run build` does. */
const PORTABLE = 'a binary that loads on fewer machines than Node';

/** The gates by what they refuse. */
export const GATES: Readonly<Record<string, Gate>> = {
  'what only the workspace can resolve': ({ tarball }) => {
    const leaks = JSON.stringify(tarball.manifest).match(/"(?:workspace|catalog|link|file):[^"]*"/g) ?? [];
    return leaks.map((leak) => `the manifest still says ${leak}`);
  },

  'a package that is not built': ({ tarball }) =>
    namedFiles(tarball.manifest)
      .filter((file) => !tarball.files.includes(file))
      .map((file) => `${file} is named by the manifest and is not there`),

  'a platform package without its binary': ({ published, tarball }) => {
    if (published.platform === null) return [];
    const { platform } = published;
    return binariesOf(platform).flatMap((binary) => {
      if (!tarball.files.includes(binary)) return [`${binary} is not there`];
      return binaryProblems(tarball.bytes(binary), platform).map((why) => `${binary} ${why}`);
    });
  },

  [PORTABLE]: ({ published, tarball }) => {
    const { platform } = published;
    if (platform === null) return [];
    const [addon = '', tool = ''] = binariesOf(platform);
    const problems: string[] = [];
    if (tarball.files.includes(addon)) {
      problems.push(...portabilityProblems(tarball.bytes(addon), platform).map((why) => `${addon}: ${why}`));
    }
    const needsLoader = tarball.files.includes(tool) && namesInterpreter(tarball.bytes(tool));
    if (needsLoader) problems.push(`${tool}: it is not static`);
    return problems;
  },

  'files that do not belong': ({ published, tarball }) =>
    tarball.files.filter((file) => !belongs(file, published)).map((file) => `${file} does not belong`),

  'a stack trace that leads nowhere': ({ tarball }) =>
    tarball.files
      .filter((file) => file.endsWith('.js'))
      .flatMap((file) => {
        if (!tarball.files.includes(`${file}.map`)) return [`${file}.map is missing`];
        const { sources } = JSON.parse(tarball.text(`${file}.map`)) as { sources: readonly string[] };
        return sources
          .map((source) => posix.join(posix.dirname(file), source))
          .filter((source) => !tarball.files.includes(source))
          .map((source) => `${file} is made of ${source}, which is not there`);
      }),

  'a package without its papers': ({ published, tarball }, root) => {
    const texts = ['LICENSE', ...(published.platform === null ? ['README.md'] : [])];
    const missing = texts.filter((file) => !tarball.files.includes(file)).map((file) => `${file} is missing`);
    const { repository, homepage, bugs } = readManifest(root);
    const expected = { repository: { ...repository, directory: published.folder }, homepage, bugs };
    const wrong = (['repository', 'homepage', 'bugs'] as const)
      .filter((field) => JSON.stringify(tarball.manifest[field]) !== JSON.stringify(expected[field]))
      .map((field) => `${field} is not what the root manifest says`);
    return [...missing, ...wrong];
  },

  'a script that runs at installation': ({ tarball }) =>
    Object.keys(tarball.manifest.scripts ?? {}).map((name) => `the manifest has a script ${name}`),

  'a version without its change log': ({ tarball }) => {
    const { version } = tarball.manifest;
    // The first version is not a change.
    if (version === '0.1.0') return [];
    if (!tarball.files.includes('CHANGELOG.md')) return ['CHANGELOG.md is missing'];
    const hasEntry = tarball.text('CHANGELOG.md').includes(`\n## ${version}\n`);
    return hasEntry ? [] : [`CHANGELOG.md has no entry for ${version}`];
  },

  'a loader and platform packages of different versions': ({ tarball }) => {
    const { name, version, optionalDependencies = {} } = tarball.manifest;
    return Object.entries(optionalDependencies)
      .filter(([dependency, wanted]) => dependency.startsWith(name) && wanted !== version)
      .map(([dependency, wanted]) => `${name} ${version} wants ${dependency} ${wanted}`);
  },
};

/** What every gate has to say about a tarball. `asBuilt`: its binary may be one that was built for this machine alone. */
export function problemsOf(packed: Packed, root: string, { asBuilt = false } = {}): string[] {
  return Object.entries(GATES)
    .filter(([refused]) => !(asBuilt && refused === PORTABLE))
    .flatMap(([refused, gate]) =>
      gate(packed, root).map((why) => `${packed.published.name}: ${why} (refused: ${refused})`),
    );
}

/** Whether all that goes with one native file has one version, and every target has its package. */
export function versionProblems(root: string): string[] {
  const loader = readManifest(join(root, 'packages/frame-export'));
  const platforms = publishedOf(root).filter(({ platform }) => platform !== null);
  const differing = platforms
    .map(({ folder }) => readManifest(join(root, folder)))
    .filter(({ version }) => version !== loader.version)
    .map(({ name, version }) => `${name} is ${version}, the loader is ${loader.version}`);
  const crates = crateVersion(root);
  if (crates !== loader.version) differing.push(`the crates are ${crates}, the loader is ${loader.version}`);

  const folders = readdirSync(join(root, 'packages/frame-export/npm')).sort();
  const wanted = platforms.map(({ platform }) => platform);
  if (JSON.stringify(folders) !== JSON.stringify(wanted)) {
    differing.push(
      `the loader wants ${wanted.join(', ')}; packages/frame-export/npm has ${folders.join(', ')}`,
    );
  }
  const targets = loader.napi?.targets.length ?? 0;
  if (targets !== folders.length)
    differing.push(`${targets} targets are built for ${folders.length} packages`);
  return differing;
}

/** The version of all crates, in the manifest of their workspace. */
export function crateVersion(root: string): string {
  const text = readFileSync(join(root, 'rust-shm/Cargo.toml'), 'utf8');
  return /\[workspace\.package\][^[]*?\nversion = "([^"]+)"/.exec(text)?.[1] ?? 'without a version';
}

/** Every file that a manifest leads to. */
export function namedFiles(manifest: Manifest): string[] {
  const targets = (value: unknown): string[] => {
    if (typeof value === 'string') return [value];
    return typeof value === 'object' && value !== null ? Object.values(value).flatMap(targets) : [];
  };
  const { main, types, exports, typesVersions, bin } = manifest;
  const named = [main, types, exports, typesVersions, bin].flatMap(targets);
  return [...new Set(named.map((file) => file.replace(/^\.\//, '')))].sort();
}

const EVERYWHERE = ['package.json', 'LICENSE', 'README.md', 'CHANGELOG.md'];

function belongs(file: string, { name, platform }: Published): boolean {
  if (EVERYWHERE.includes(file)) return true;
  if (platform !== null) return binariesOf(platform).includes(file);
  if (name === '@vas/frame-export' && /^(native\/binding\.(cjs|d\.cts)|bin\/vas-frames\.cjs)$/.test(file))
    return true;
  return /^(dist\/[\w-]+\.(js|js\.map|cjs|d\.ts|d\.cts)|src\/[\w-]+\.ts)$/.test(file);
}

/** What is built for a platform: the native file, and the command line tool. */
export function binariesOf(platform: string): string[] {
  return [`vas-frame-export.${platform}.node`, 'vas-frames'];
}

/** `e_machine` of an ELF file, by the name of the processor in a target. */
const MACHINES: Readonly<Record<string, number>> = { x64: 62, arm64: 183 };

function binaryProblems(bytes: Buffer, platform: string): string[] {
  if (bytes.length < 20 || bytes.toString('latin1', 0, 4) !== '\x7fELF') return ['is not an ELF file'];
  const [, cpu = ''] = platform.split('-');
  return bytes.readUInt16LE(18) === MACHINES[cpu] ? [] : [`is not built for ${cpu}`];
}

/** Whether an ELF file is started by the C library's loader (`PT_INTERP`). */
function namesInterpreter(bytes: Buffer): boolean {
  const [table, size, count] = [
    Number(bytes.readBigUInt64LE(32)),
    bytes.readUInt16LE(54),
    bytes.readUInt16LE(56),
  ];
  return Array.from({ length: count }, (_, index) => bytes.readUInt32LE(table + index * size)).includes(3);
}

function portabilityProblems(bytes: Buffer, platform: string): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'vas-binary-'));
  try {
    const file = join(folder, 'binary.node');
    writeFileSync(file, bytes);
    return symbolProblems(file, platform, { mayBeUnloaded: true });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Whether a tree has been built as far as a package needs it. */
export function isBuilt(root: string, { folder }: Published): boolean {
  return namedFiles(readManifest(join(root, folder))).every((file) => existsSync(join(root, folder, file)));
}

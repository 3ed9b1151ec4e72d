/** The packages of this repository that are published, as their manifests have it. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The part of a manifest that this package looks at. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly main?: string;
  readonly types?: string;
  readonly exports?: unknown;
  readonly typesVersions?: unknown;
  readonly bin?: unknown;
  readonly scripts?: Readonly<Record<string, string>>;
  readonly napi?: { readonly targets: readonly string[] };
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly repository?: Readonly<Record<string, string>>;
  readonly homepage?: unknown;
  readonly bugs?: unknown;
  readonly packageManager?: string;
}

/** A package that is published. */
export interface Published {
  readonly name: string;
  /** Relative to the root. */
  readonly folder: string;
  /** The name of the target, such as `linux-x64-gnu`; `null`: JavaScript for every platform. */
  readonly platform: string | null;
}

/** The folder of the repository that this file belongs to, from its sources as from its build. */
export const ROOT = rootOf(dirname(fileURLToPath(import.meta.url)));

function rootOf(folder: string): string {
  return existsSync(join(folder, 'pnpm-workspace.yaml')) ? folder : rootOf(dirname(folder));
}

export function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
}

/** The platform package of each target that the loader knows. */
export function platformsOf(root: string): string[] {
  const { name, optionalDependencies = {} } = readManifest(join(root, 'packages/frame-export'));
  return Object.keys(optionalDependencies)
    .filter((dependency) => dependency.startsWith(`${name}-`))
    .map((dependency) => dependency.slice(name.length + 1))
    .sort();
}

/** Every package that is published, what others depend on before them: the order in which they are published. */
export function publishedOf(root: string, platforms: readonly string[] = platformsOf(root)): Published[] {
  return [
    ...platforms.map((platform) => ({ folder: `packages/frame-export/npm/${platform}`, platform })),
    ...['ring-buffer', 'frame-export', 'ruth-core'].map((name) => ({
      folder: `packages/${name}`,
      platform: null,
    })),
  ].map(({ folder, platform }) => ({ name: readManifest(join(root, folder)).name, folder, platform }));
}

/** How pnpm is run in exactly the version that the root manifest names, by npm. */
export function pnpmOf(root: string): readonly string[] {
  const { packageManager = 'pnpm' } = readManifest(root);
  return ['exec', '--yes', `--package=${packageManager}`, '--', 'pnpm'];
}

/** The target of this machine. */
export function hostPlatform(): string {
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  return `linux-${process.arch}-${header.glibcVersionRuntime === undefined ? 'musl' : 'gnu'}`;
}

/** Targets as a command line names them: `all`, `host`, or a list such as `linux-x64-gnu,linux-arm64-gnu`. */
export function platformsNamed(root: string, named: string): string[] {
  const all = platformsOf(root);
  if (named === 'all') return all;
  const platforms = named === 'host' ? [hostPlatform()] : named.split(',');
  for (const platform of platforms) {
    if (!all.includes(platform))
      throw new Error(`there is no target ${platform}: there are ${all.join(', ')}`);
  }
  return platforms;
}

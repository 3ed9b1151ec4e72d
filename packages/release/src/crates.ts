/** The crates that are published: packed by cargo, and what a registry must not get of them. */
import { join } from 'node:path';
import { run } from './command.js';

/** A crate that is published, packed. */
export interface PackedCrate {
  readonly name: string;
  readonly version: string;
  /** Of the `.crate` file. */
  readonly path: string;
}

interface Metadata {
  readonly packages: readonly {
    readonly name: string;
    readonly version: string;
    /** `null`: anywhere; an empty list: nowhere. */
    readonly publish: readonly string[] | null;
  }[];
}

/** What belongs into a crate: its sources, its papers, and what cargo adds. */
const BELONGS =
  /^(src\/[\w/-]+\.rs|README\.md|PROTOCOL\.md|LICENSE|Cargo\.(toml|toml\.orig|lock)|\.cargo_vcs_info\.json)$/;
const PAPERS = ['LICENSE', 'README.md'];

/**
 * Packs every crate of a workspace that may be published, and builds each from its package alone, against the packages
 * of those that it needs. `builds: false`: packs only.
 */
export function packCrates(workspace: string, targetDir: string, { builds = true } = {}): PackedCrate[] {
  const listed = run('cargo', ['metadata', '--no-deps', '--offline', '--format-version', '1'], {
    cwd: workspace,
  });
  const crates = (JSON.parse(listed) as Metadata).packages.filter(({ publish }) => publish === null);
  const packages = crates.flatMap(({ name }) => ['--package', name]);
  const verify = builds ? [] : ['--no-verify'];
  run(
    'cargo',
    ['package', '--quiet', '--allow-dirty', '--locked', ...verify, '--target-dir', targetDir, ...packages],
    { cwd: workspace },
  );
  return crates.map(({ name, version }) => ({
    ...{ name, version },
    path: join(targetDir, 'package', `${name}-${version}.crate`),
  }));
}

/** What a registry must not get of a crate (D3). */
export function crateProblems({ name, version, path }: PackedCrate): string[] {
  const files = run('tar', ['-tzf', path], { cwd: '/' })
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.replace(`${name}-${version}/`, ''));
  const manifest = run('tar', ['-xzOf', path, `${name}-${version}/Cargo.toml`], { cwd: '/' });
  const fields = ['description', 'license', 'repository', 'homepage', 'readme', 'rust-version'];
  return [
    ...files.filter((file) => !BELONGS.test(file)).map((file) => `${file} does not belong`),
    ...PAPERS.filter((file) => !files.includes(file)).map((file) => `${file} is missing`),
    ...fields
      .filter((field) => !new RegExp(`^${field} = "`, 'm').test(manifest))
      .map((field) => `its manifest has no ${field}`),
  ].map((why) => `${name}: ${why}`);
}

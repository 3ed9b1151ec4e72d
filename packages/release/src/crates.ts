/** The crates that are published: packed by cargo, and what a registry must not get of them. */
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { run } from './command.js';

/** A crate that is published, packed. */
export interface PackedCrate {
  readonly name: string;
  readonly version: string;
  /** Path of the `.crate` file. */
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

/** Packs every crate of a workspace that may be published. */
export function packCrates(workspace: string, targetDir: string): PackedCrate[] {
  const listed = run('cargo', ['metadata', '--no-deps', '--offline', '--format-version', '1'], {
    cwd: workspace,
  });
  const crates = (JSON.parse(listed) as Metadata).packages.filter(({ publish }) => publish === null);
  const packages = crates.flatMap(({ name }) => ['--package', name]);
  // Not built by cargo here: it keeps what it has unpacked of a version, and would build that again when this one differs.
  const options = ['--quiet', '--allow-dirty', '--locked', '--no-verify', '--target-dir', targetDir];
  run('cargo', ['package', ...options, ...packages], { cwd: workspace });
  return crates.map(({ name, version }) => ({
    ...{ name, version },
    path: join(targetDir, 'package', `${name}-${version}.crate`),
  }));
}

/** Where crates are built from their packages. */
export interface CrateBuild {
  /** Emptied before. */
  readonly folder: string;
  readonly targetDir: string;
  /** The lock file that says which versions of other people's crates are taken. */
  readonly lock: string;
  /** Files of a program of its own that uses them, by their paths in its folder. */
  readonly program?: Readonly<Record<string, string>>;
}

/** Builds crates from their packages alone, each of them standing for what a registry would have, and gives where. */
export function buildCrates(crates: readonly PackedCrate[], build: CrateBuild): string {
  const { folder, targetDir, lock, program = {} } = build;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  // With the time of now: the files of a package are older than what was built of another one.
  for (const { path } of crates) run('tar', ['-xzmf', path, '-C', folder], { cwd: folder });
  const homes = crates.map(({ name, version }) => `${name}-${version}`);
  const members = [...homes, ...(Object.keys(program).length > 0 ? ['program'] : [])];
  const patches = crates.map(({ name }, index) => `${name} = { path = "${homes[index] ?? ''}" }`);
  const manifest = `[workspace]\nresolver = "3"\nmembers = ${JSON.stringify(members)}\n[patch.crates-io]\n`;
  writeFileSync(join(folder, 'Cargo.toml'), `${manifest}${patches.join('\n')}\n`);
  cpSync(lock, join(folder, 'Cargo.lock'));
  for (const [file, text] of Object.entries(program)) {
    const path = join(folder, 'program', file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  run('cargo', ['build', '--quiet', '--workspace', '--target-dir', targetDir], { cwd: folder });
  return join(targetDir, 'debug');
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

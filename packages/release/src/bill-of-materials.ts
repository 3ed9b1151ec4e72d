/**
 * What is in what is published, as CycloneDX documents: one for each native file and each tool by cargo-cyclonedx, and one
 * for the npm packages by npm. The wheels carry theirs, which maturin writes.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { targets } from '../../../scripts/platforms/targets.mjs';
import { fromCratesIo } from '../../../scripts/platforms/toolchain.mjs';
import { run } from './command.js';
import { readTarball } from './pack.js';

const CYCLONEDX = '0.5.9';

/** The part of a CycloneDX document that is looked at. */
export interface BillOfMaterials {
  readonly bomFormat?: string;
  readonly components?: readonly { readonly name: string; readonly version: string }[];
}

/** A binary: the crate that it is made of, and what for. */
interface Binary {
  readonly crate: string;
  readonly target: string;
}

/** The tool needs no library, so one binary for each processor is enough: that for musl. */
const TOOLS = targets.filter(({ platform }) => platform.endsWith('musl'));

const BINARIES: readonly Binary[] = [
  ...targets.map(({ target }) => ({ crate: 'vas-frame-node-binding', target })),
  ...TOOLS.map(({ target }) => ({ crate: 'vas-frames-cli', target })),
];

/** Writes a document for every native file and tool into `out`, and gives what is not named in it. */
export function writeNativeBills(root: string, out: string): string[] {
  const workspace = join(root, 'rust-shm');
  const program = join(fromCratesIo('cargo-cyclonedx', CYCLONEDX), 'bin/cargo-cyclonedx');
  mkdirSync(out, { recursive: true });
  return BINARIES.flatMap(({ crate, target }) => {
    const text = nativeBill(program, workspace, { crate, target });
    const name = `${crate}.${target}.cdx.json`;
    writeFileSync(join(out, name), text);
    return billProblems(
      name,
      JSON.parse(text) as BillOfMaterials,
      bundledCrates(workspace, { crate, target }),
    );
  });
}

/**
 * Writes a document for the packed npm packages into `out`, as npm has it of a project that installs them, and gives what
 * is in it that is not ours: none of them brings code of others.
 */
export function writeNpmBill(tarballs: readonly string[], out: string): string[] {
  mkdirSync(out, { recursive: true });
  const folder = mkdtempSync(join(tmpdir(), 'vas-bill-'));
  // npm takes its name for that of the project.
  const project = join(folder, 'packages');
  mkdirSync(project);
  try {
    writeFileSync(
      join(project, 'package.json'),
      JSON.stringify({ name: 'packages', version: '0.0.0', private: true }),
    );
    // Each of them is at hand; a platform that is not, nobody is asked for.
    const install = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--offline', '--force'];
    run('npm', [...install, ...tarballs], { cwd: project });
    const text = withoutPaths(run('npm', ['sbom', '--sbom-format', 'cyclonedx'], { cwd: project }), project);
    const name = 'npm-packages.cdx.json';
    writeFileSync(join(out, name), text);
    const bill = JSON.parse(text) as BillOfMaterials;
    const ours = tarballs.map((path) => readTarball(path).manifest);
    return [
      ...billProblems(
        name,
        bill,
        ours.map((manifest) => `${manifest.name}@${manifest.version}`),
      ),
      ...foreignProblems(name, bill),
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What a document of npm packages names that is somebody else's. */
export function foreignProblems(name: string, { components = [] }: BillOfMaterials): string[] {
  return components
    .filter((component) => !component.name.startsWith('@vas/') && component.name !== 'packages')
    .map((component) => `${name}: ${component.name} is somebody else's, and no package was to need any`);
}

/** The document of one binary. cargo-cyclonedx leaves one beside every manifest; they are taken from there. */
function nativeBill(program: string, workspace: string, { crate, target }: Binary): string {
  const name = `bill-of-${process.pid}`;
  const folders = readdirSync(workspace, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(workspace, entry.name));
  const left = (folder: string): string => join(folder, `${name}.json`);
  try {
    const form = ['--format', 'json', '--spec-version', '1.5', '--override-filename', name];
    run(program, ['cyclonedx', '--quiet', '--manifest-path', 'Cargo.toml', '--target', target, ...form], {
      cwd: workspace,
    });
    const home = JSON.parse(
      run('cargo', ['metadata', '--no-deps', '--offline', '--format-version', '1'], { cwd: workspace }),
    ) as { packages: readonly { name: string; manifest_path: string }[] };
    const manifest = home.packages.find((each) => each.name === crate)?.manifest_path ?? '';
    const text = readFileSync(manifest.replace(/Cargo\.toml$/, `${name}.json`), 'utf8');
    return withoutPaths(text, workspace);
  } finally {
    for (const folder of folders) rmSync(left(folder), { force: true });
  }
}

/** A document without where its writer had things: it says the same wherever it is written. */
export function withoutPaths(text: string, workspace: string): string {
  return text
    .replaceAll(`file://${workspace}`, 'file://')
    .replaceAll(/"file:[^"]*\/([^"/]+\.tgz)"/g, '"file:$1"');
}

/** The crates that cargo links into a binary, as `name@version`; not those that only run while it is compiled. */
export function bundledCrates(workspace: string, { crate, target }: Binary): string[] {
  const what = ['--package', crate, '--target', target, '--edges', 'normal,no-proc-macro'];
  const lines = run('cargo', ['tree', '--locked', ...what, '--prefix', 'none', '--format', '{p}'], {
    cwd: workspace,
  })
    .split('\n')
    .map((line) => /^(\S+) v(\S+)/.exec(line))
    .flatMap((match) => (match === null ? [] : [`${match[1] ?? ''}@${match[2] ?? ''}`]));
  // The binary itself is what the document is about.
  return [...new Set(lines)].filter((name) => !name.startsWith(`${crate}@`)).sort();
}

/** What a document does not name that is bundled. */
export function billProblems(
  name: string,
  { bomFormat, components = [] }: BillOfMaterials,
  bundled: readonly string[],
): string[] {
  const named = new Set(components.map((component) => `${component.name}@${component.version}`));
  return [
    ...(bomFormat === 'CycloneDX' ? [] : [`${name}: it is no CycloneDX document`]),
    ...(bundled.length > 0 ? [] : [`${name}: nothing is known of what is bundled`]),
    ...bundled
      .filter((crate) => !named.has(crate))
      .map((crate) => `${name}: ${crate} is bundled and not named`),
  ];
}

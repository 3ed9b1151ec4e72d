// The linker for every platform: zig, by way of cargo-zigbuild; and maturin, which makes wheels. In folders of the cache.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

const CARGO_ZIGBUILD = '0.24.1';
const ZIG = '0.17.1';
const MATURIN = '1.16.0';

/** The compiler of a fixed day, for what the stable one does not do: Miri, and the API of a crate as data. */
export const NIGHTLY = 'nightly-2026-05-20';

/** @returns the environment in which `cargo zigbuild` runs; fetches what is missing */
export function zigEnvironment() {
  const folder = fromPyPi(`zig-${ZIG}-${CARGO_ZIGBUILD}`, [
    `cargo-zigbuild==${CARGO_ZIGBUILD}`,
    `ziglang==${ZIG}`,
  ]);
  // Its programs name the folder that they were installed in, so they are run as modules of where they are now.
  const site = execFileSync('sh', ['-c', `echo ${folder}/lib/python3*/site-packages`], {
    encoding: 'utf8',
  }).trim();
  return {
    ...process.env,
    PATH: `${join(folder, 'bin')}${delimiter}${process.env.PATH}`,
    CARGO_ZIGBUILD_ZIG_PATH: join(site, 'ziglang/zig'),
  };
}

/** @returns the path of maturin; fetches it if it is missing */
export function maturin() {
  return join(fromPyPi(`maturin-${MATURIN}`, [`maturin==${MATURIN}`]), 'bin/maturin');
}

/** @returns a folder of the cache that the packages are installed in */
export function fromPyPi(name, packages) {
  return cached(name, (folder) => {
    run('python3', '-m', 'venv', folder);
    run(join(folder, 'bin/python'), '-m', 'pip', 'install', '--quiet', ...packages);
  });
}

/** @returns a folder of the cache that the program is installed in */
export function fromCratesIo(program, version) {
  return cached(`${program}-${version}`, (folder) => {
    run('cargo', 'install', '--quiet', '--locked', '--root', folder, `${program}@${version}`);
  });
}

/** Fetches `NIGHTLY` with a component, if it is missing. */
export function nightly(...components) {
  const wanted = components.flatMap((component) => ['--component', component]);
  run('rustup', 'toolchain', 'install', NIGHTLY, '--profile', 'minimal', ...wanted);
}

/** A folder of the cache, filled once and put in its place whole. */
function cached(name, fill) {
  const base = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'vas-kernel');
  const folder = join(base, name);
  if (existsSync(folder)) return folder;
  mkdirSync(base, { recursive: true });
  const unfinished = `${folder}.${process.pid}`;
  try {
    fill(unfinished);
    renameSync(unfinished, folder);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
  return folder;
}

export function addRustTarget(target) {
  try {
    run('rustup', 'target', 'add', target);
  } catch {
    throw new Error(
      `the standard library of ${target} is needed: install Rust with rustup, see https://rustup.rs`,
    );
  }
}

export function run(command, ...args) {
  execFileSync(command, args, { stdio: ['ignore', 2, 2] });
}

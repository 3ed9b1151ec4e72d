/** Installs and builds what the peers need, all of it below `target/` but the system's packages. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Need, Programs } from './peers.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const target = `${root}packages/peers/target`;
const rust = ['--manifest-path', `${root}packages/peers/rust/Cargo.toml`, '--target-dir', `${target}/rust`];

export interface Installed {
  readonly programs: Programs;
  /** What is missing, and why. */
  readonly missing: ReadonlyMap<Need, string>;
}

/** Runs a program; `null`, or the last thing it said if it failed. */
function failureOf(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): string | null {
  console.error(`${command} ${args.join(' ')}`);
  const { status, stderr, error } = spawnSync(command, args, {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...env },
  });
  if (status === 0) return null;
  const said = (error?.message ?? stderr).trim().split('\n');
  return said.find((line) => /error/i.test(line)) ?? said.at(-1) ?? 'it failed';
}

/** The first failure of several steps, each of which needs the ones before. */
function firstFailure(...steps: (() => string | null)[]): string | null {
  for (const step of steps) {
    const failure = step();
    if (failure !== null) return failure;
  }
  return null;
}

function systemPackages(...names: string[]): () => string | null {
  return () =>
    failureOf(process.execPath, [`${root}scripts/system-packages.mjs`, '--install-packages', ...names]);
}

export function install(): Installed {
  mkdirSync(target, { recursive: true });
  const missing = new Map<Need, string>();
  const note = (need: Need, failure: string | null): boolean => {
    if (failure !== null) missing.set(need, failure);
    return failure === null;
  };

  const system = {
    iceoryx2: [],
    gstreamer: [
      ...['pkg-config', 'libgstreamer1.0-dev', 'libgstreamer-plugins-base1.0-dev'],
      ...['gstreamer1.0-plugins-base', 'gstreamer1.0-plugins-bad'],
    ],
    zeromq: ['g++'],
    redis: ['redis-server'],
  } as const;
  // Not --locked: what this project's own crates need changes without this lock.
  const build = (features: readonly string[]): string | null =>
    failureOf('cargo', ['build', '--release', ...rust, '--features', features.join(',')]);
  const wanted = (Object.keys(system) as (keyof typeof system)[]).filter((need) =>
    note(need, system[need].length === 0 ? null : systemPackages(...system[need])()),
  );
  if (build(wanted) !== null) {
    // One by one, so that what cannot be built does not take the others with it.
    const built: string[] = [];
    for (const need of wanted) if (note(need, build([...built, need]))) built.push(need);
    note('rust', build(built));
  }

  const python = `${target}/venv/bin/python`;
  const pip = (...args: string[]): string | null =>
    failureOf(python, ['-m', 'pip', '--disable-pip-version-check', 'install', '-q', ...args]);
  const versions = ['-c', 'rust-shm/python/tests/requirements.txt'];
  const hasPython = note(
    'python',
    firstFailure(
      systemPackages('python3-venv'),
      () => failureOf('python3', ['-m', 'venv', `${target}/venv`]),
      () => pip(...versions, 'numpy', 'maturin'),
    ),
  );
  if (hasPython) {
    const wheels = `${target}/wheels`;
    const manifest = ['-m', 'rust-shm/python/Cargo.toml'];
    note(
      'vas_frames',
      firstFailure(
        () => failureOf(python, ['-m', 'maturin', 'build', '-q', '--release', ...manifest, '-o', wheels]),
        () =>
          pip('--force-reinstall', '--no-deps', ...readdirSync(wheels).map((wheel) => `${wheels}/${wheel}`)),
      ),
    );
  }

  const prefix = `${target}/c`;
  const library = [`-I${prefix}/include`, `-L${prefix}/lib`, '-lvas_frames', `-Wl,-rpath,${prefix}/lib`];
  const source = `${root}packages/peers/c/reader.c`;
  note(
    'vas_frames.h',
    firstFailure(
      () => failureOf(`${root}rust-shm/c-binding/install.sh`, [prefix]),
      () =>
        failureOf('cc', [
          '-std=c99',
          '-O2',
          '-Wall',
          '-Wextra',
          '-Werror',
          '-o',
          `${prefix}/reader`,
          source,
          ...library,
        ]),
    ),
  );

  const programs = { rust: `${target}/rust/release/vas-peers`, python, cReader: `${prefix}/reader` };
  return { programs, missing };
}

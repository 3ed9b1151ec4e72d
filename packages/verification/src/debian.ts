/** Packages of Debian's suites, unpacked into a folder beside the system, which stays as it is. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { cacheFolder } from './cache.js';

/** Where Debian's programs find their libraries, for the loader's `--library-path`. */
const LIBRARY_FOLDERS = ['', '/blas', '/lapack', '/pulseaudio'];

/**
 * The folder that holds packages of a suite of Debian, by default of the newest; fetched if it is not there.
 *
 * @throws Error if this machine's packages do not come from Debian for x64; `otherwise` says what to do then
 */
export function unpackedFromDebian(
  name: string,
  packages: readonly string[],
  otherwise: string,
  suite = 'sid',
): string {
  return unpacked(
    name,
    suite,
    (apt) => {
      apt('download', ...packages);
    },
    otherwise,
  );
}

/**
 * Command and first arguments that run a program of another suite, with its own loader and all its libraries.
 *
 * @throws Error as `unpackedFromDebian`
 */
export function programFromDebian(
  name: string,
  suite: string,
  otherwise: string,
): readonly [string, ...string[]] {
  const folder = unpacked(
    `${name}-${suite}`,
    suite,
    (apt) => {
      // Nothing counts as installed here, so all that it depends on is fetched.
      apt('install', '-qq', '-y', '--download-only', '--no-install-recommends', name);
    },
    otherwise,
  );
  const libraries = LIBRARY_FOLDERS.map((sub) => join(folder, `usr/lib/x86_64-linux-gnu${sub}`)).join(':');
  const loader = join(folder, 'usr/lib64/ld-linux-x86-64.so.2');
  return [loader, '--library-path', libraries, join(folder, 'usr/bin', name)];
}

/**
 * The path of a Python of Debian's newest suite, such as `python3.15`, as a command that environments can be made from.
 *
 * @throws Error as `unpackedFromDebian`
 */
export function pythonFromDebian(name: string, otherwise: string): string {
  const folder = unpacked(
    `${name}-amd64`,
    'sid',
    (apt) => {
      apt('install', '-qq', '-y', '--download-only', '--no-install-recommends', name, `${name}-venv`);
    },
    otherwise,
  );
  const loader = join(folder, 'usr/lib64/ld-linux-x86-64.so.2');
  const libraries = join(folder, 'usr/lib/x86_64-linux-gnu');
  // Python learns from the name it is called by which environment it belongs to.
  const command = [loader, '--argv0', '"$0"', '--library-path', libraries, join(folder, 'usr/bin', name)];
  const wrapper = join(folder, 'usr/bin/python');
  writeFileSync(wrapper, `#!/bin/sh\nexec ${command.join(' ')} "$@"\n`, { mode: 0o755 });
  return wrapper;
}

/**
 * The folder of a Python of Debian's newest suite for arm64, such as `python3.15`, with its libraries and the loader: a
 * root of its own for an emulator. The program is `usr/bin/<name>`.
 *
 * @throws Error as `unpackedFromDebian`
 */
export function arm64PythonFromDebian(name: string, otherwise: string): string {
  const folder = unpacked(
    `${name}-arm64`,
    'sid',
    (apt) => {
      // NumPy needs the last of them.
      const packages = [name, 'libstdc++6'];
      apt('install', '-qq', '-y', '--download-only', '--no-install-recommends', ...packages);
    },
    otherwise,
    'arm64',
  );
  // Where the loader of every program for arm64 is looked for.
  if (!existsSync(join(folder, 'lib'))) symlinkSync('usr/lib', join(folder, 'lib'));
  return folder;
}

/** What `fetch` brings, unpacked. */
function unpacked(
  name: string,
  suite: string,
  fetch: (apt: (...args: string[]) => void) => void,
  otherwise: string,
  architecture: 'amd64' | 'arm64' = 'amd64',
): string {
  const folder = cacheFolder(name);
  if (existsSync(folder)) return folder;
  const mirror = debianMirror();
  if (mirror === undefined) throw new Error(otherwise);
  mkdirSync(join(folder, '..'), { recursive: true });
  const work = mkdtempSync(`${folder}-`);
  try {
    for (const path of ['lists/partial', 'cache/archives/partial', 'root'])
      mkdirSync(join(work, path), { recursive: true });
    writeFileSync(join(work, 'status'), '');
    writeFileSync(join(work, 'suite.list'), `deb ${mirror} ${suite} main\n`);
    const apt = (...args: string[]): void => {
      const options = [
        `Dir::Etc::sourcelist=${work}/suite.list`,
        'Dir::Etc::sourceparts=-',
        `Dir::State::lists=${work}/lists`,
        `Dir::State::status=${work}/status`,
        `Dir::Cache=${work}/cache`,
        'APT::Sandbox::User=root',
        `APT::Architecture=${architecture}`,
        `APT::Architectures=${architecture}`,
      ];
      const all = [...options.flatMap((option) => ['-o', option]), '-q', ...args];
      execFileSync('apt-get', all, { cwd: work, stdio: ['ignore', 2, 2] });
    };
    apt('update');
    fetch(apt);
    // `download` puts them into the working folder, `install` into the cache.
    for (const place of [work, join(work, 'cache/archives')])
      for (const file of readdirSync(place).filter((entry) => entry.endsWith('.deb')))
        execFileSync('dpkg-deb', ['-x', join(place, file), join(work, 'root')]);
    renameSync(join(work, 'root'), folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return folder;
}

/** The mirror that this machine's packages come from. */
function debianMirror(): string | undefined {
  if (process.arch !== 'x64') return undefined;
  const format = ['--format', '$(ORIGIN) $(LABEL) $(REPO_URI)', 'Created-By: Packages'];
  const { stdout } = spawnSync('apt-get', ['indextargets', ...format], { encoding: 'utf8' });
  return /^Debian Debian (\S+)$/m.exec(stdout)?.[1];
}

/** Finds the simulator of memory models: `herd7` on the PATH, or Debian's package in a folder of the cache. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Command and first arguments that run `herd7`. */
export type Herd = readonly [command: string, ...args: string[]];

/** The newest Debian suite: the older ones do not have it, or an older libc. */
const SUITE = 'sid';
const PACKAGES = ['herdtools7', 'libc6', 'libgmp10'];

/**
 * @throws Error if `herd7` is neither installed nor to be had from Debian; the message says how to get it
 */
export function findHerd(): Herd {
  if (spawnSync('herd7', ['-version']).status === 0) return ['herd7'];
  const folder = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'vas-kernel', 'herdtools7');
  if (!existsSync(folder)) fetchFromDebian(folder);
  return [
    join(folder, 'usr/lib64/ld-linux-x86-64.so.2'),
    '--library-path',
    join(folder, 'usr/lib/x86_64-linux-gnu'),
    join(folder, 'usr/bin/herd7'),
    '-set-libdir',
    join(folder, 'usr/share/herdtools7/herd'),
  ];
}

/** Unpacks the packages beside the system, whose own libc stays as it is. */
function fetchFromDebian(folder: string): void {
  const mirror = debianMirror();
  mkdirSync(join(folder, '..'), { recursive: true });
  const work = mkdtempSync(`${folder}-`);
  try {
    for (const path of ['lists/partial', 'cache/archives/partial', 'root'])
      mkdirSync(join(work, path), { recursive: true });
    writeFileSync(join(work, 'suite.list'), `deb ${mirror} ${SUITE} main\n`);
    const apt = (...args: string[]): void => {
      const options = [
        `Dir::Etc::sourcelist=${work}/suite.list`,
        'Dir::Etc::sourceparts=-',
        `Dir::State::lists=${work}/lists`,
        `Dir::Cache=${work}/cache`,
        'APT::Sandbox::User=root',
      ];
      const all = [...options.flatMap((option) => ['-o', option]), '-q', ...args];
      execFileSync('apt-get', all, { cwd: work, stdio: ['ignore', 2, 2] });
    };
    apt('update');
    apt('download', ...PACKAGES);
    for (const file of readdirSync(work).filter((name) => name.endsWith('.deb')))
      execFileSync('dpkg-deb', ['-x', join(work, file), join(work, 'root')]);
    renameSync(join(work, 'root'), folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** The mirror that this machine's packages come from. */
function debianMirror(): string {
  const format = ['--format', '$(ORIGIN) $(LABEL) $(REPO_URI)', 'Created-By: Packages'];
  const targets = spawnSync('apt-get', ['indextargets', ...format], { encoding: 'utf8' }).stdout;
  const mirror = /^Debian Debian (\S+)$/m.exec(targets)?.[1];
  if (mirror === undefined || process.arch !== 'x64') {
    throw new Error(
      'herd7 is not on the PATH. Debian on x64 gets it by itself; elsewhere install herdtools7, from a package or with opam',
    );
  }
  return mirror;
}

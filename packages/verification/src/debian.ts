/** Packages of Debian's newest suite, unpacked into a folder beside the system, which stays as it is. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

const SUITE = 'sid';

/** A folder of the cache that all checkouts share. */
export function cacheFolder(name: string): string {
  return join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'vas-kernel', name);
}

/**
 * The folder that holds the packages, fetched if it is not there.
 *
 * @throws Error if this machine's packages do not come from Debian for x64; `otherwise` says what to do then
 */
export function unpackedFromDebian(name: string, packages: readonly string[], otherwise: string): string {
  const folder = cacheFolder(name);
  if (existsSync(folder)) return folder;
  const mirror = debianMirror();
  if (mirror === undefined) throw new Error(otherwise);
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
    apt('download', ...packages);
    for (const file of readdirSync(work).filter((entry) => entry.endsWith('.deb')))
      execFileSync('dpkg-deb', ['-x', join(work, file), join(work, 'root')]);
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

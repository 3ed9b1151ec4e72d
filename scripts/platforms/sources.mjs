// What native files are built from, as one word, so that one that was built of other sources is not taken for current.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const parts = [
  'Cargo.toml',
  'Cargo.lock',
  ...['protocol', 'picture', 'segment', 'drain', 'node-binding', 'cli'].flatMap((crate) =>
    ['Cargo.toml', 'build.rs', 'src'].map((part) => `${crate}/${part}`),
  ),
];

/** @returns {string} the digest of every source file of the addon and of the command line tool */
export function digestOfSources(root) {
  const listed = ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--', ...parts];
  const cwd = join(root, 'rust-shm');
  const files = execFileSync('git', listed, { cwd, encoding: 'utf8' }).split('\0').sort();
  const hash = createHash('sha256');
  for (const file of new Set(files)) {
    if (file === '' || !existsSync(join(cwd, file))) continue;
    hash
      .update(`${file}\0`)
      .update(readFileSync(join(cwd, file)))
      .update('\0');
  }
  return hash.digest('hex');
}

/** Where the digest of the sources of a platform's native file stands, beside it. */
export const SOURCES_FILE = 'sources.sha256';

/** @returns {boolean} whether `build-platforms` has built `file`, in a platform package's folder, of the present sources */
export function isBuiltForAll(root, folder, file) {
  const digest = join(folder, SOURCES_FILE);
  if (!existsSync(join(folder, file)) || !existsSync(digest)) return false;
  return readFileSync(digest, 'utf8') === digestOfSources(root);
}

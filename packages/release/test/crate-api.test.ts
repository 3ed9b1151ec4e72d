/** The listings of the crates' APIs: one that differs is refused, and each names what its crate offers. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { CRATES, listingProblems } from '../src/crate-api.js';
import { ROOT } from '../src/workspace.js';

it('D4: a listing that is not what the crate is is refused, and written if that is asked for', () => {
  const root = mkdtempSync(join(tmpdir(), 'vas-listing-'));
  onTestFinished(() => {
    rmSync(root, { recursive: true, force: true });
  });
  mkdirSync(join(root, 'rust-shm/sample'), { recursive: true });
  const refused = expect.stringContaining('rust-shm/sample/api.txt') as string;
  expect(listingProblems(root, 'sample', 'pub fn sample::a()\n', false)).toEqual([refused]);
  expect(listingProblems(root, 'sample', 'pub fn sample::a()\n', true)).toEqual([]);
  expect(listingProblems(root, 'sample', 'pub fn sample::a()\n', false)).toEqual([]);
  expect(listingProblems(root, 'sample', 'pub fn sample::b()\n', false)).toEqual([refused]);
});

/** What a crate offers at its root, as its sources say: a listing that was forgotten shows here without its compiler. */
function offered(source: string): string[] {
  const names = [
    ...source.matchAll(/^pub use [\w:]+::\{([^}]*)\};/gm),
    ...source.matchAll(/^pub use [\w:]+::(\w+);/gm),
    ...source.matchAll(/^pub (?:unsafe fn|fn|mod|struct|enum|const|trait|type) (\w+)/gm),
  ].flatMap(([, list = '']) => list.split(','));
  return names.map((name) => name.trim()).filter((name) => name !== '');
}

it.each(Object.entries(CRATES))('D4: the listing of %s names what its sources offer', (folder, name) => {
  const source = readFileSync(join(ROOT, `rust-shm/${folder}/src/lib.rs`), 'utf8');
  const listing = readFileSync(join(ROOT, `rust-shm/${folder}/api.txt`), 'utf8');
  const items = new RegExp(`^(?:#\\[[^\\]]*\\] )*pub .*?\\b${name}::(\\w+)(?!\\w|::)`, 'gm');
  const listed = [...listing.matchAll(items)].map(([, item]) => item);
  const roots = new Set(offered(source.replaceAll(/#\[doc\(hidden\)\]\npub [^;]*;/g, '')));
  expect(roots.size).toBeGreaterThan(0);
  expect([...new Set(listed)].sort()).toEqual([...roots].sort());
});

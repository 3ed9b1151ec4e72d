/** The documents that say what is in what is published name everything that is, and nobody else's code in npm packages. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { billProblems, bundledCrates, foreignProblems, withoutPaths } from '../src/bill-of-materials.js';
import { ROOT } from '../src/workspace.js';

const bundled = bundledCrates(join(ROOT, 'rust-shm'), {
  crate: 'vas-frame-node-binding',
  target: 'x86_64-unknown-linux-gnu',
});
const components = bundled.map((crate) => {
  const [name = '', version = ''] = crate.split('@');
  return { name, version };
});

it('D3: what cargo links into the native file is known, without what only runs in the compiler', () => {
  const names = components.map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(['vas-frame-drain', 'vas-frame-segment', 'rustix', 'napi']));
  expect(names).not.toContain('napi-derive');
  expect(names).not.toContain('vas-frame-node-binding');
});

it('D3: a document that names all of it passes, and one that leaves out a crate or its version is refused', () => {
  const bomFormat = 'CycloneDX';
  expect(billProblems('bill', { bomFormat, components }, bundled)).toEqual([]);
  const others = components.filter(({ name }) => name !== 'rustix');
  const refused = [expect.stringMatching(/rustix@.* is bundled and not named/)];
  expect(billProblems('bill', { bomFormat, components: others }, bundled)).toEqual(refused);
  const older = [...others, { name: 'rustix', version: '0.0.1' }];
  expect(billProblems('bill', { bomFormat, components: older }, bundled)).toEqual(refused);
  expect(billProblems('bill', { components }, bundled)).toEqual([expect.stringContaining('no CycloneDX')]);
  expect(billProblems('bill', { bomFormat, components }, [])).toEqual([
    expect.stringContaining('nothing is known'),
  ]);
});

it("D3: an npm package that brings somebody else's code is refused", () => {
  const own = { name: '@vas/ring-buffer', version: '1.0.0' };
  expect(foreignProblems('bill', { components: [own] })).toEqual([]);
  expect(foreignProblems('bill', { components: [own, { name: 'foreign', version: '1.0.0' }] })).toEqual([
    expect.stringContaining("foreign is somebody else's"),
  ]);
});

it('D3: a document does not say where it was written', () => {
  const text =
    '"path+file:///somewhere/rust-shm/cli#a" "file:/somewhere/tmp/a-1.0.0.tgz" "file:///somewhere/rust-shm"';
  expect(withoutPaths(text, '/somewhere/rust-shm')).toBe('"path+file:///cli#a" "file:a-1.0.0.tgz" "file://"');
});

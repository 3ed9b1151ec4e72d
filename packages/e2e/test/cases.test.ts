import { readdirSync } from 'node:fs';
import { expect, it } from 'vitest';
import { browserNoTap, cases, noTap } from '../src/cases/index.js';
import type { Case } from '../src/run/case.js';

const folder = new URL('../src/cases/', import.meta.url);

/** A case, and those that it is measured by or drawn beside. */
function withCompared(testCase: Case): Case[] {
  const { measuredBy, comparedWith } = testCase;
  return [testCase, ...[measuredBy, comparedWith].flatMap((other) => (other ? withCompared(other) : []))];
}

function isCase(value: unknown): value is Case {
  return typeof value === 'object' && value !== null && 'title' in value && 'isShort' in value;
}

it('has no case that nobody runs, and no two of one name', async () => {
  const run = [noTap, browserNoTap, ...cases];
  const names = run.map(({ name }) => name);
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  // Some are run with browsers only, under a name that says so.
  const known = new Set(
    run.flatMap(withCompared).flatMap(({ name }) => [name, name.replace(/^browser-/, '')]),
  );
  const files = readdirSync(folder).filter((name) => name !== 'index.ts');
  expect(files.length).toBeGreaterThan(10);
  for (const file of files) {
    const module = (await import(new URL(file, folder).href)) as Record<string, unknown>;
    const exported = Object.values(module).flat().filter(isCase);
    expect(
      exported.map(({ name }) => name).filter((name) => !known.has(name)),
      file,
    ).toEqual([]);
  }
});

/** Breaks each boundary of this package once, and sees ESLint say so. */
import { fileURLToPath } from 'node:url';
import { ESLint } from 'eslint';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../../', import.meta.url));
// Nothing but the boundaries: what is reported is reported by them.
const eslint = new ESLint({ cwd: root, overrideConfigFile: 'packages/ruth-core/eslint.boundaries.js' });

/** The rules that `source` breaks as `src/<file>`. */
async function brokenRules(source: string, file = 'store.ts'): Promise<(string | null)[]> {
  const [result] = await eslint.lintText(source, { filePath: `${root}packages/ruth-core/src/${file}` });
  return (result?.messages ?? []).map(({ ruleId, message }) => ruleId ?? message);
}

const IMPORTS = '@typescript-eslint/no-restricted-imports';

describe('the lint boundaries', () => {
  it.each([
    [`import fs from 'node:fs'; fs;`, IMPORTS],
    [`import type { Stats } from 'node:fs'; export type S = Stats;`, IMPORTS],
    [`import 'fs';`, IMPORTS],
    [`import { FrameRing } from '@vas/ring-buffer'; FrameRing;`, IMPORTS],
    [`import type { FrameRing } from '@vas/ring-buffer'; export type R = FrameRing;`, IMPORTS],
    [`import { createFrameExporter } from '@vas/frame-export'; createFrameExporter;`, IMPORTS],
    [
      `import type { FrameSourceRef } from '@vas/frame-export/types'; export type S = FrameSourceRef;`,
      IMPORTS,
    ],
    [`export type { FrameSourceRef } from '@vas/frame-export/types';`, IMPORTS],
    [`export * from '@vas/frame-export/types';`, IMPORTS],
    [`import { x } from '../../frame-export/src/types.js'; x;`, IMPORTS],
    [`import lodash from 'lodash'; lodash;`, IMPORTS],
    [`export const later = async () => 1;`, 'no-restricted-syntax'],
    [`export async function later() {}`, 'no-restricted-syntax'],
    [`export class Later { async now() {} }`, 'no-restricted-syntax'],
    [`export async function* later() {}`, 'no-restricted-syntax'],
    [`export function* halfDone() { yield 1; }`, 'no-restricted-syntax'],
    [`await 1;`, 'no-restricted-syntax'],
    [`for await (const x of []) x;`, 'no-restricted-syntax'],
    [`import('./store.js');`, 'no-restricted-syntax'],
    [`export type Fs = import('node:fs').Stats;`, 'no-restricted-syntax'],
    [`import fs = require('node:fs'); fs;`, 'no-restricted-syntax'],
    [`import.meta.url;`, 'no-restricted-syntax'],
    [`export default 1;`, 'no-restricted-syntax'],
    [`setTimeout(() => 1, 1);`, 'no-restricted-globals'],
    [`setInterval(() => 1, 1);`, 'no-restricted-globals'],
    [`setImmediate(() => 1);`, 'no-restricted-globals'],
    [`queueMicrotask(() => 1);`, 'no-restricted-globals'],
    [`Promise.resolve();`, 'no-restricted-globals'],
    [`Date.now();`, 'no-restricted-globals'],
    [`performance.now();`, 'no-restricted-globals'],
    [`crypto.randomUUID();`, 'no-restricted-globals'],
    [`process.env;`, 'no-restricted-globals'],
    [`console.log();`, 'no-restricted-globals'],
    [`fetch('x');`, 'no-restricted-globals'],
    [`require('fs');`, 'no-restricted-globals'],
    [`globalThis.setTimeout;`, 'no-restricted-globals'],
    [`new SharedArrayBuffer(1);`, 'no-restricted-globals'],
    [`Math.random();`, 'no-restricted-properties'],
    [`const { random } = Math; random;`, 'no-restricted-properties'],
    [`/* eslint-disable */ Math.random();`, 'no-restricted-properties'],
  ])('P3.5, P3.6, P3.8: %s is reported', async (source, rule) => {
    expect(await brokenRules(source)).toContain(rule);
  });

  it('P3.8: one file may import types of @vas/frame-export/types, and nothing but types', async () => {
    const file = 'frame-source.ts';
    expect(await brokenRules(`import type { FrameSourceRef } from '@vas/frame-export/types';`, file)).toEqual(
      [],
    );
    expect(await brokenRules(`export type { FrameSourceRef } from '@vas/frame-export/types';`, file)).toEqual(
      [],
    );
    for (const source of [
      `import { FrameSourceRef } from '@vas/frame-export/types';`,
      `import '@vas/frame-export/types';`,
      `export * from '@vas/frame-export/types';`,
      `import type { FrameExporter } from '@vas/frame-export';`,
      `import type { Stats } from 'node:fs';`,
    ]) {
      expect(await brokenRules(source, file), source).toContain(IMPORTS);
    }
    const mixed = `import { type FrameSourceRef } from '@vas/frame-export/types';`;
    expect(await brokenRules(mixed, file)).toContain('@typescript-eslint/no-import-type-side-effects');
  });

  it('P3.8: the sources keep within the boundaries', async () => {
    const results = await eslint.lintFiles(['packages/ruth-core/src/**/*.ts']);
    expect(results.length).toBeGreaterThan(5);
    expect(results.flatMap(({ messages }) => messages)).toEqual([]);
  });
});

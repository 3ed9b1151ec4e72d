import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import * as ruthCore from '@vas/ruth-core';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

/** The cells of the Markdown table that begins with `| <first> |`. */
function tableOf(markdown: string, first: string): string[][] {
  const lines = markdown.split('\n');
  const start = lines.findIndex((line) => line.startsWith(`| ${first} `));
  const length = lines.slice(start).findIndex((line) => !line.startsWith('|'));
  return lines
    .slice(start, start + length)
    .filter((line) => !line.startsWith('| --'))
    .map((line) => line.split('|').slice(1, -1))
    .map((cells) => cells.map((cell) => cell.trim().replaceAll('`', '')));
}

describe('the README', () => {
  it('P3.9: shows the lifecycle table that the code follows', () => {
    const [header = [], ...rows] = tableOf(readme, 'operation');
    const coded = Object.entries(ruthCore.lifecycleTable).map(([operation, row]) => [
      operation,
      ...Object.values(row),
    ]);
    expect(header).toEqual(['operation', 'absent', 'created', 'running', 'stopped']);
    expect(rows).toEqual(coded);
    for (const row of Object.values(ruthCore.lifecycleTable))
      expect(Object.keys(row)).toEqual(header.slice(1));
  });

  it('P3.9: names every error code that the declarations name, and no other', () => {
    const declarations = readFileSync(new URL('../dist/index.d.ts', import.meta.url), 'utf8');
    const union = /type RuthErrorCode = ([^;]*);/.exec(declarations)?.[1] ?? '';
    const declared = [...union.matchAll(/'(\w+)'/g)].map(([, code]) => code);
    const documented = tableOf(readme, 'code')
      .slice(1)
      .flatMap(([codes = '']) => codes.split(', '));
    expect(documented.sort()).toEqual(declared.sort());
    expect(declared.length).toBeGreaterThan(10);
  });

  it('P3.2: has an example of ten lines whose every comment is what its line gives', () => {
    const example = /```ts\n([^]*?)```/.exec(readme)?.[1] ?? '';
    const lines = example.split('\n').filter((line) => line !== '' && !line.startsWith('import'));
    expect(lines.length).toBe(10);

    // `expression; // value` becomes a check that the one is the other.
    let checked = 0;
    const program = lines.map((line) => {
      const [, expression, value] = /^(?!const)(.*); \/\/ (.*)$/.exec(line) ?? [];
      if (expression === undefined || value === undefined) return line;
      checked += 1;
      return `same(${expression}, ${value});`;
    });
    const { outputText } = ts.transpileModule(program.join('\n'), {
      compilerOptions: { target: ts.ScriptTarget.ES2022 },
    });
    const same = (actual: unknown, shown: unknown): void => {
      expect(isDeepStrictEqual(actual, shown), JSON.stringify([actual, shown])).toBe(true);
    };
    // eslint-disable-next-line @typescript-eslint/no-implied-eval -- runs the example as the README shows it
    const run = new Function('RuthState', 'same', outputText) as (...names: unknown[]) => void;
    run(ruthCore.RuthState, same);
    expect(checked).toBe(7);
  });
});

import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import * as ruthCore from '@vas/ruth-core';

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

  const examples = [...readme.matchAll(/```ts\n([^]*?)```/g)].map(([, example = '']) => example);

  function run(program: string, names: Readonly<Record<string, unknown>>): unknown {
    const { outputText } = ts.transpileModule(program, {
      compilerOptions: { target: ts.ScriptTarget.ES2022 },
    });
    // eslint-disable-next-line @typescript-eslint/no-implied-eval -- runs an example as the README shows it
    return (new Function(...Object.keys(names), outputText) as (...values: unknown[]) => unknown)(
      ...Object.values(names),
    );
  }

  it('P3.2: G11: has an example of eleven lines whose every comment is what its line gives', () => {
    const lines = (examples[0] ?? '').split('\n').filter((line) => line !== '' && !line.startsWith('import'));
    expect(lines.length).toBe(11);

    // `expression; // value` becomes a check that the one is the other.
    let checked = 0;
    const program = lines.map((line) => {
      const [, expression, value] = /^(?!const)(.*); \/\/ (.*)$/.exec(line) ?? [];
      if (expression === undefined || value === undefined) return line;
      checked += 1;
      return `same(${expression}, ${value});`;
    });
    const same = (actual: unknown, shown: unknown): void => {
      expect(isDeepStrictEqual(actual, shown), JSON.stringify([actual, shown])).toBe(true);
    };
    run(program.join('\n'), { ...ruthCore, same });
    expect(checked).toBe(8);
  });

  it('P3.9: G11: starts a stopped camera again as it shows, with what the camera had', () => {
    const ruth = new ruthCore.RuthState();
    ruth.ensureAgent('gate');
    ruth.addSubscription('gate', 'yolo', { desiredFps: 5, configuration: { zone: 'yard' } });
    ruth.bindFrameSource({ cameraId: 'gate', path: '/dev/shm/vas/gate', layoutVersion: 1 });
    ruth.startAgent('gate');
    const before = ruth.agent('gate');
    ruth.stopAgent('gate');
    run(examples[1] ?? '', { ruth });
    expect(ruth.agent('gate')).toEqual(before);
  });

  it('P3.11: G11: replays a log that begins before its snapshot as it shows', () => {
    const ruth = new ruthCore.RuthState();
    const restored = run(`${examples[2] ?? ''} return restored;`, {
      ...ruthCore,
      ruth,
    }) as ruthCore.RuthState;
    expect(restored.snapshot()).toEqual(ruth.snapshot());
    expect(restored.counts()).toEqual({ agents: 1, subscriptions: 1, models: 1 });
    expect(examples.length).toBe(3);
  });
});

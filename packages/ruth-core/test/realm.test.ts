/** Shows by execution that the built package needs nothing beyond the data types of ECMAScript. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { scenario } from './scenario.js';

const built = readFileSync(new URL('../dist/index.js', import.meta.url), 'utf8');

interface Ran {
  readonly returned?: unknown;
  readonly promises?: number;
  readonly error?: string;
}

/** Calls `run` of module `entry` in the bare realm. The modules can import one another and nothing else. */
function runInBareRealm(modules: Readonly<Record<string, string>>): Ran {
  const runner = fileURLToPath(new URL('realm.mjs', import.meta.url));
  const child = spawnSync(process.execPath, ['--experimental-vm-modules', '--no-warnings', runner], {
    input: JSON.stringify({ modules, entry: 'entry' }),
    encoding: 'utf8',
  });
  expect(child.stderr).toBe('');
  return JSON.parse(child.stdout) as Ran;
}

/** A module of the tests as JavaScript. */
function withoutTypes(name: string): string {
  const source = readFileSync(new URL(`${name}.ts`, import.meta.url), 'utf8');
  const { ESNext: module } = ts.ModuleKind;
  const { ES2022: target } = ts.ScriptTarget;
  return ts.transpileModule(source, { compilerOptions: { module, target, verbatimModuleSyntax: true } })
    .outputText;
}

describe('the built package in a realm without clock, randomness, promises, timers and host', () => {
  it('P3.6: runs the whole scenario and makes no promise', () => {
    const ran = runInBareRealm({
      '@vas/ruth-core': built,
      ...Object.fromEntries(
        ['assert', 'compare', 'naive-model', 'scenario'].map((name) => [`./${name}.js`, withoutTypes(name)]),
      ),
      entry: `
        import { scenario } from './scenario.js';
        export function run() {
          return Object.entries(scenario).map(([sentence, check]) => (check(), sentence));
        }`,
    });
    expect(ran.error).toBeUndefined();
    expect(ran.returned).toEqual(Object.keys(scenario));
    expect(ran.promises).toBe(0);
  });

  it.each([
    ['the time', 'Date.now()'],
    ['a monotonic clock', 'performance.now()'],
    ['the date through Intl', 'new Intl.DateTimeFormat().format()'],
    ['randomness', 'Math.random()'],
    ['random ids', 'crypto.randomUUID()'],
    ['a timer', 'setTimeout(() => {}, 1)'],
    ['an interval', 'setInterval(() => {}, 1)'],
    ['a microtask', 'queueMicrotask(() => {})'],
    ['a promise', 'Promise.resolve()'],
    ['an async function', '(async () => {})()'],
    ['an await', '(async () => { await 1; })()'],
    ['an async generator', '(async function* () {})().next()'],
    ['sleeping', 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)'],
    ['a callback on collection', 'new FinalizationRegistry(() => {})'],
    ['the environment', 'process.env'],
    ['a log', 'console.log()'],
    ['a request', 'fetch("http://127.0.0.1")'],
    ['require', 'require("node:fs")'],
    ['a dynamic import', 'import("node:fs")'],
    ['code from a string', 'Function("return 1")()'],
    ['bytes', 'new Uint8Array(1)'],
  ])('P3.6: the realm would catch %s', (_, use) => {
    const ran = runInBareRealm({ entry: `export function run() { ${use}; }` });
    expect(ran.error !== undefined || ran.promises !== 0, JSON.stringify(ran)).toBe(true);
  });

  it('P3.6: the realm would catch the same at load time', () => {
    expect(runInBareRealm({ entry: 'const started = Date.now(); export function run() {}' }).error).toMatch(
      /Date/,
    );
    expect(runInBareRealm({ entry: '(async () => {})(); export function run() {}' }).promises).toBe(1);
    expect(runInBareRealm({ entry: 'export function run() {}' })).toEqual({ promises: 0 });
  });

  it('P3.8: the realm would catch an import, and the built JavaScript is one file without any', () => {
    expect(runInBareRealm({ entry: `import 'node:fs'; export function run() {}` }).error).toMatch(
      /no module node:fs/,
    );
    const folder = new URL('../dist/', import.meta.url);
    expect(readdirSync(folder).sort()).toEqual([
      'index.cjs',
      'index.d.cts',
      'index.d.ts',
      'index.js',
      'index.js.map',
    ]);
    // What `require` gets is the same file.
    expect(readFileSync(new URL('index.cjs', folder), 'utf8')).toBe(
      "module.exports = require('./index.js');\n",
    );
  });
});

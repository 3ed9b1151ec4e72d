/**
 * What the sources of this package may not reach for. Flat-config entries for the root configuration; the patterns
 * are those of the repository's root.
 */
import tseslint from 'typescript-eslint';

const HERE = 'packages/ruth-core/src';

/** All that ECMAScript and hosts offer of clocks, chance, scheduling, promises, memory shared with others, and I/O. */
const FORBIDDEN_GLOBALS = [
  ['Date', 'Temporal', 'performance'],
  ['crypto', 'Crypto'],
  ['setTimeout', 'setInterval', 'setImmediate', 'clearTimeout', 'clearInterval', 'clearImmediate'],
  ['queueMicrotask', 'requestAnimationFrame', 'requestIdleCallback', 'scheduler'],
  ['Promise', 'AbortController', 'AbortSignal', 'EventTarget', 'Event', 'MessageChannel', 'BroadcastChannel'],
  ['FinalizationRegistry', 'WeakRef', 'Worker'],
  ['SharedArrayBuffer', 'Atomics', 'WebAssembly', 'ArrayBuffer', 'Buffer', 'DataView', 'Uint8Array'],
  ['process', 'require', 'module', 'navigator', 'Deno', 'Bun'],
  ['console', 'fetch', 'WebSocket', 'XMLHttpRequest', 'EventSource', 'localStorage', 'sessionStorage'],
  ['globalThis', 'global', 'self', 'window', 'eval', 'Function'],
].flat();

const TYPES_ONLY_MESSAGE =
  'Only src/frame-source.ts knows @vas/frame-export, and only the types of its ./types.';

export default [
  {
    name: 'ruth-core/boundaries',
    files: [`${HERE}/**/*.ts`],
    plugins: { '@typescript-eslint': tseslint.plugin },
    languageOptions: { parser: tseslint.parser },
    linterOptions: { noInlineConfig: true },
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        { patterns: [{ regex: '^(?!\\./)', message: TYPES_ONLY_MESSAGE }] },
      ],
      '@typescript-eslint/no-import-type-side-effects': 'error',
      'no-restricted-globals': [
        'error',
        ...FORBIDDEN_GLOBALS.map((name) => ({ name, message: 'ruth-core is pure state (P3.6).' })),
      ],
      'no-restricted-properties': [
        'error',
        { object: 'Math', property: 'random', message: 'No randomness.' },
      ],
      'no-restricted-syntax': [
        'error',
        { selector: ':function[async=true]', message: 'No async functions.' },
        { selector: 'AwaitExpression, ForOfStatement[await=true]', message: 'No await.' },
        { selector: ':function[generator=true]', message: 'No work that is left half done.' },
        {
          selector: 'ImportExpression, TSImportEqualsDeclaration, TSImportType',
          message: 'No other imports.',
        },
        { selector: 'MetaProperty[meta.name="import"]', message: 'No import.meta.' },
        { selector: 'ExportDefaultDeclaration', message: 'Named exports only.' },
      ],
    },
  },
  {
    name: 'ruth-core/frame-source',
    files: [`${HERE}/frame-source.ts`],
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          patterns: [
            { regex: '^(?!\\./|@vas/frame-export/types$)', message: TYPES_ONLY_MESSAGE },
            { regex: '^@vas/frame-export/types$', allowTypeImports: true, message: TYPES_ONLY_MESSAGE },
          ],
        },
      ],
    },
  },
];

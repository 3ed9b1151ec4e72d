import { builtinModules } from 'node:module';
import js from '@eslint/js';
import { defineConfig } from 'eslint/config';
import importX from 'eslint-plugin-import-x';
import globals from 'globals';
import tseslint from 'typescript-eslint';
import ruthCoreBoundaries from './packages/ruth-core/eslint.boundaries.js';
import constantNames from './scripts/eslint/constant-names.js';

const nodeModules = builtinModules.map((name) => name.replaceAll('/', '\\u002F')).join('|');
const withoutNodePrefix = [
  'ImportDeclaration',
  'ExportNamedDeclaration',
  'ExportAllDeclaration',
  'ImportExpression',
].map((type) => ({
  selector: `${type}[source.value=/^(?:${nodeModules})$/]`,
  message: 'Write node: before the name of a module of Node.',
}));

export default defineConfig(
  {
    ignores: [
      '**/dist/**',
      '**/node_modules/**',
      '**/target/**',
      '**/reports/**',
      // Written by the native build.
      'packages/frame-export/native/binding.*',
    ],
  },
  js.configs.recommended,
  {
    files: ['**/*.{js,mjs}'],
    languageOptions: { globals: globals.nodeBuiltin },
  },
  {
    files: ['**/*.cjs'],
    languageOptions: { globals: globals.node, sourceType: 'commonjs' },
  },
  {
    // One style for every import and every constant; CONTRIBUTING.md says which.
    settings: {
      'import-x/extensions': ['.ts', '.js', '.mjs'],
      'import-x/parsers': { '@typescript-eslint/parser': ['.ts'] },
      // An import of `x.js` means `x.ts`: without this no circle would be found.
      'import-x/resolver-next': [importX.createNodeResolver({ extensionAlias: { '.js': ['.ts', '.js'] } })],
    },
    plugins: { 'import-x': importX, house: { rules: { 'constant-names': constantNames } } },
    rules: {
      'house/constant-names': 'error',
      'no-restricted-syntax': ['error', ...withoutNodePrefix],
      'import-x/first': 'error',
      'import-x/newline-after-import': 'error',
      'import-x/no-cycle': 'error',
      'import-x/no-duplicates': 'error',
      'import-x/order': [
        'error',
        {
          groups: ['builtin', 'external', 'parent', 'sibling', 'index'],
          'newlines-between': 'never',
          alphabetize: { order: 'asc', caseInsensitive: true },
        },
      ],
    },
  },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      // `import { type X }` would stay behind as an import of nothing.
      '@typescript-eslint/no-import-type-side-effects': 'error',
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      'import-x/no-default-export': 'error',
    },
  },
  {
    // The ring runs on any platform and in any realm.
    files: ['packages/ring-buffer/src/**'],
    rules: {
      'no-restricted-imports': [
        'error',
        { patterns: [{ regex: '^[^.]', message: 'ring-buffer imports nothing.' }] },
      ],
    },
  },
  {
    // Frames leave a process through frame-export only, and it knows nothing of FFmpeg, readers or networks.
    files: ['packages/frame-export/src/**'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              regex: '^(?!\\.|@vas/ring-buffer$|node:(module|path)$)',
              message: 'frame-export imports the ring, and from Node only module and path.',
            },
          ],
        },
      ],
    },
  },
  ...ruthCoreBoundaries,
  { files: ['**/*.config.{ts,js}', 'eslint.config.js'], rules: { 'import-x/no-default-export': 'off' } },
);

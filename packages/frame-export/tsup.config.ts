import { defineConfig } from 'tsup';
import { moduleFormats } from '../release/src/module-formats.js';

export default defineConfig(
  moduleFormats({
    entry: ['src/index.ts', 'src/reader.ts'],
    // `types` has no runtime: it is declared, never built.
    typeEntries: ['src/types.ts'],
    target: 'node20',
  }),
);

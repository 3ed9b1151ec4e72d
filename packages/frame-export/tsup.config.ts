import { defineConfig } from 'tsup';

export default defineConfig({
  entry: ['src/index.ts', 'src/reader.ts'],
  format: 'esm',
  target: 'node20',
  // `types` has no runtime: it is declared, never built.
  dts: { entry: ['src/index.ts', 'src/reader.ts', 'src/types.ts'] },
  clean: true,
});

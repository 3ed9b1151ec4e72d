import { defineConfig } from 'tsup';

export default defineConfig({
  entry: ['src/index.ts'],
  format: 'esm',
  // No platform: nothing of Node may come in.
  platform: 'neutral',
  target: 'es2022',
  dts: true,
  clean: true,
});

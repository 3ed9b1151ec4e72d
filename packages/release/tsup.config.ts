import { defineConfig } from 'tsup';

export default defineConfig({
  entry: ['src/consumer.ts'],
  format: 'esm',
  target: 'node20',
  clean: true,
});

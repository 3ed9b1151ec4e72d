import { defineConfig } from 'tsup';

export default defineConfig({
  entry: ['e2e/main.ts', 'e2e/host-process.ts', 'e2e/reader-process.ts'],
  outDir: 'e2e/dist',
  format: 'esm',
  target: 'node20',
  clean: true,
  // A development dependency, which tsup would otherwise bundle.
  external: ['mediasoup'],
});

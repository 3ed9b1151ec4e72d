import { defineConfig } from 'tsup';

export default defineConfig({
  entry: [
    'src/check-packages.ts',
    'src/check-workflows.ts',
    'src/consumer.ts',
    'src/prepare-version.ts',
    'src/publish.ts',
    'src/rehearse.ts',
  ],
  format: 'esm',
  // Not bundled as development dependencies would be.
  external: ['@microsoft/api-extractor', '@changesets/get-release-plan', 'esbuild'],
  target: 'node20',
  clean: true,
});

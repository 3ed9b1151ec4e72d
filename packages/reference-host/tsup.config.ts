import { defineConfig } from 'tsup';

export default defineConfig({
  entry: {
    index: 'src/index.ts',
    demo: 'src/demo/demo.ts',
    'demo-reader': 'src/demo/reader-process.ts',
    'demo-viewer': 'src/demo/viewer-process.ts',
  },
  format: 'esm',
  target: 'node20',
  clean: true,
});

import { defineConfig } from 'tsup';

export default defineConfig([
  {
    entry: {
      main: 'src/main.ts',
      'host-process': 'src/host/host-process.ts',
      'reader-process': 'src/reader/reader-process.ts',
      'router-process': 'src/host/router-process.ts',
    },
    format: 'esm',
    target: 'node20',
  },
  {
    // Runs in a browser, as one file.
    entry: { 'viewer-page': 'src/viewer/viewer-page.ts' },
    format: 'iife',
    platform: 'browser',
    target: 'es2022',
    noExternal: [/./],
  },
]);

import { defineConfig } from 'tsup';

export default defineConfig({
  entry: {
    main: 'src/main.ts',
    'host-process': 'src/host/host-process.ts',
    'reader-process': 'src/reader/reader-process.ts',
  },
  format: 'esm',
  target: 'node20',
  clean: true,
});

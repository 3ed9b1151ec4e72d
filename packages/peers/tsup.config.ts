import { defineConfig } from 'tsup';

export default defineConfig({
  entry: {
    main: 'src/main.ts',
    'node-peer': 'src/node/node-peer.ts',
    'worker-reader': 'src/node/worker-reader.ts',
  },
  format: 'esm',
  target: 'node20',
  clean: true,
});

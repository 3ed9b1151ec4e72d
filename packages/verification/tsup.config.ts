import { defineConfig } from 'tsup';

export default defineConfig({
  entry: {
    main: 'src/main.ts',
    host: 'src/processes/host.ts',
    reader: 'src/processes/reader.ts',
    'tear-writer': 'src/processes/tear-writer.ts',
    'tear-reader': 'src/processes/tear-reader.ts',
    exercise: 'src/processes/exercise.ts',
    'crowd-member': 'src/processes/crowd-member.ts',
  },
  format: 'esm',
  target: 'node20',
  clean: true,
});

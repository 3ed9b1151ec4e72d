import { defineConfig } from 'tsup';
import { moduleFormats } from '../release/src/module-formats.js';

export default defineConfig(
  // No platform: nothing of Node may come in.
  moduleFormats({ entry: ['src/index.ts'], platform: 'neutral', target: 'es2022' }),
);

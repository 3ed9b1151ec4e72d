import { defineConfig } from 'tsup';
import { moduleFormats } from '../release/src/module-formats.js';

export default defineConfig(moduleFormats({ entry: ['src/index.ts'], target: 'node20' }));

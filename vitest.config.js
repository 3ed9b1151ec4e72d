import { defineConfig } from 'vitest/config';

// One suite at a time: several of them start real processes and measure real streams.
export default defineConfig({
  test: {
    projects: ['packages/*/vitest.config.ts'],
    fileParallelism: false,
  },
});

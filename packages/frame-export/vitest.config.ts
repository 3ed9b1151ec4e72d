import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    name: 'frame-export',
    include: ['test/**/*.test.ts'],
    testTimeout: 30_000,
  },
});

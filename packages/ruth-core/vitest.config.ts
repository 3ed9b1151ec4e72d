import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    name: 'ruth-core',
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
  },
});

import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    name: 'ring-buffer',
    include: ['test/**/*.test.ts'],
    typecheck: { enabled: true, include: ['test/**/*.test-d.ts'], tsconfig: './tsconfig.json' },
    testTimeout: 60_000,
  },
});

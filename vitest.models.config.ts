import { defineConfig } from 'vitest/config';

/** Suites on real models that the project does not ship: their folder is named by FLOTILLA_MODELS. */
export default defineConfig({
  test: {
    include: ['test/models/**/*.test.ts'],
    maxWorkers: 2,
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
});

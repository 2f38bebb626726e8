import { defineConfig } from 'vitest/config';

/** Unit tests beside the source and the suites under `test/`; two cores set the number of workers. */
export default defineConfig({
  test: {
    include: ['*/src/**/*.test.ts', 'examples/*/src/**/*.test.ts', 'test/**/*.test.ts'],
    exclude: ['**/node_modules/**', 'test/models/**'],
    globalSetup: ['test/support/run-folder.ts'],
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});

import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { declineTelemetry } from './model/src/node/decline-telemetry.ts';

// Only this process can write the environment that ONNX Runtime reads in the workers' threads.
declineTelemetry();

/** Programs that tests start, hundreds in a run, find there what they stripped and compiled before. */
const COMPILED = fileURLToPath(new URL('node_modules/.cache/compile', import.meta.url));

/**
 * Unit tests beside the source and the suites under `test/`; two cores set the number of workers.
 * Unit tests share workers: loading what they test anew for each file takes as long as the tests.
 */
export default defineConfig({
  test: {
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    env: { NODE_COMPILE_CACHE: COMPILED },
    projects: [
      {
        extends: true,
        test: {
          name: 'units',
          include: ['*/src/**/*.test.ts', 'examples/*/src/**/*.test.ts'],
          isolate: false,
        },
      },
      {
        extends: true,
        test: {
          name: 'suites',
          include: ['test/**/*.test.ts'],
          exclude: ['**/node_modules/**', 'test/models/**'],
          globalSetup: ['test/support/run-folder.ts'],
        },
      },
    ],
  },
});

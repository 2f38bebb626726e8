import { join } from 'node:path';
import { isAccelerator, type LoadOptions } from '@flotilla/model';
import { type FoundRuntimes, LEAST_MEMORY_BYTES, runLimited } from '@flotilla/model/node';
import type { Logger, SelfTester, SelfTestReport } from '../core/index.ts';
import type { SelfTestInput } from './self-test-task.ts';

const TASK = new URL('./self-test-task.ts', import.meta.url);

/** TensorRT may take minutes to build an engine on a small board. */
const BUILD_FACTOR = 10;

const isAccelerated = ({ runtimes }: FoundRuntimes): boolean =>
  runtimes.some(({ providers }) => providers.some(isAccelerator));

/** How long a model may take to load, of what a processor alone is given. */
export const withBuildTime = (found: FoundRuntimes, timeoutMs: number): number =>
  isAccelerated(found) ? BUILD_FACTOR * timeoutMs : timeoutMs;

export interface SelfTesterOptions {
  readonly data: string;
  readonly found: FoundRuntimes;
  /** As the agent loads models. */
  readonly loadOptions: LoadOptions;
  /** LD_LIBRARY_PATH of the child, where the device's libraries need it. */
  readonly libraryPath?: string;
  readonly logger: Logger;
}

/**
 * Tests models of the data folder in a child process with limits of time and memory. With a GPU
 * there is none of memory: its driver maps far more than it uses.
 */
export function createSelfTester(options: SelfTesterOptions): SelfTester {
  const { data, found, loadOptions, libraryPath, logger } = options;
  const accelerated = isAccelerated(found);
  return {
    test({ model, golden, need, precision, cacheFolder, memoryBytes, timeoutMs }, signal) {
      const input: SelfTestInput = {
        model: join(data, model),
        golden: join(data, golden),
        runtimes: found.specs,
        need,
        options: { ...loadOptions, precision, cacheFolder },
      };
      return runLimited<SelfTestReport>({
        script: TASK,
        name: 'the self-test',
        input,
        ...(accelerated ? {} : { memoryBytes: LEAST_MEMORY_BYTES + 2 * memoryBytes }),
        timeoutMs: withBuildTime(found, timeoutMs),
        ...(libraryPath === undefined ? {} : { env: { LD_LIBRARY_PATH: libraryPath } }),
        onWarning: (text) => logger.warn(text),
        signal,
      });
    },
  };
}

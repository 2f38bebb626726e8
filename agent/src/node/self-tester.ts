import { join } from 'node:path';
import { LEAST_MEMORY_BYTES, runLimited } from '@flotilla/model/node';
import type { Logger, SelfTester, SelfTestReport } from '../core/index.ts';
import type { SelfTestInput } from './self-test-task.ts';

const TASK = new URL('./self-test-task.ts', import.meta.url);

/** Tests models of the data folder in a child process with limits of time and memory. */
export function createSelfTester(data: string, threads: number, logger: Logger): SelfTester {
  return {
    test: ({ model, golden, memoryBytes, timeoutMs }, signal) =>
      runLimited<SelfTestReport>({
        script: TASK,
        name: 'the self-test',
        input: {
          model: join(data, model),
          golden: join(data, golden),
          threads,
        } satisfies SelfTestInput,
        memoryBytes: LEAST_MEMORY_BYTES + 2 * memoryBytes,
        timeoutMs,
        onWarning: (text) => logger.warn(text),
        signal,
      }),
  };
}

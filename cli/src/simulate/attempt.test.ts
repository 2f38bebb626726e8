import type { Deployment } from '@flotilla/protocol';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Attempt, type Ending } from './attempt.ts';
import { faultsOfDevice, parseFaults } from './faults.ts';
import { STEPS } from './steps.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const DEPLOYMENT = {
  ...{ id: 'd', attempt: 1, model: 'parts', version: 4, watchMs: 100 },
  ...{ notBeforeMs: 0, notAfterMs: 0, deadlineMs: 0 },
} as Deployment;

async function endOf(faults: string): Promise<Ending | undefined> {
  let ending: Ending | undefined;
  const attempt = new Attempt(
    {
      faults: faultsOfDevice(parseFaults(faults), 1, 1),
      stepMs: 10,
      now: () => Date.now(),
      halted: () => false,
      download: async () => undefined,
      began: () => undefined,
      activated: () => undefined,
      ended: (how) => {
        ending = how;
      },
    },
    DEPLOYMENT,
    false,
  );
  attempt.resume();
  await vi.advanceTimersByTimeAsync(10_000);
  return ending;
}

test('an attempt is committed where nothing is wrong', async () => {
  expect(await endOf('')).toMatchObject({ result: 'RESULT_COMMITTED' });
});

test.each(STEPS)('an attempt that is stuck in %s never ends', async (step) => {
  expect(await endOf(`stuck=100%:${step}`)).toBeUndefined();
});

test.each(STEPS)('an attempt that fails in %s says so', async (step) => {
  expect(await endOf(`fail=100%:${step}:some.code`)).toMatchObject({ step, code: 'some.code' });
});

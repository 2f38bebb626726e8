import type { Tensors } from '@flotilla/model';
import { describe, expect, test } from 'vitest';
import { type BatchLimits, createBatcher } from './batcher.ts';

const feeds = (...values: number[]): Tensors => ({
  x: { type: 'FP32', shape: [values.length, 1], data: Float32Array.from(values) },
});
const wide: Tensors = { x: { type: 'FP32', shape: [1, 2], data: Float32Array.of(1, 2) } };
const valuesOf = (tensors: Tensors | undefined) => [...(tensors?.x?.data ?? [])].map(Number);

/** A model that gives its input back, when the test lets it; negative values make it fail. */
function bed(limits: Partial<BatchLimits> = {}) {
  const asked: number[][] = [];
  const held: (() => void)[] = [];
  const naps: (() => void)[] = [];
  const run = createBatcher(
    {
      nowMs: () => 0,
      sleep: (_ms, signal) =>
        new Promise((resolve) => {
          naps.push(resolve);
          signal.addEventListener('abort', () => resolve());
        }),
      execute: async (inputs) => {
        asked.push(valuesOf(inputs));
        await new Promise<void>((resolve) => held.push(resolve));
        if (valuesOf(inputs).some((value) => value < 0)) throw new Error('negative');
        return { outputs: inputs, runMs: 1, queueMs: 0 };
      },
    },
    { maxBatch: 4, delayMs: 0, ...limits },
  );
  /** Lets runs end until nothing runs any more. */
  async function drain(): Promise<void> {
    for (let idle = 0; idle < 20; idle++) {
      await Promise.resolve();
      if (held.length > 0) idle = 0;
      held.shift()?.();
    }
  }
  return { run, asked, naps, drain };
}

describe('batching', () => {
  test('runs the first at once, and together what waits meanwhile', async () => {
    const { run, asked, drain } = bed();
    const calls = [run(feeds(1)), run(feeds(2)), run(feeds(3, 4))];
    expect(asked).toEqual([[1]]);
    await drain();
    expect(asked).toEqual([[1], [2, 3, 4]]);
    const results = await Promise.all(calls);
    expect(results.map(({ outputs }) => valuesOf(outputs))).toEqual([[1], [2], [3, 4]]);
    expect(results.map(({ outputs }) => outputs.x?.shape)).toEqual([
      [1, 1],
      [1, 1],
      [2, 1],
    ]);
  });

  test('joins no more than the maximum, and only what is alike', async () => {
    const { run, asked, drain } = bed({ maxBatch: 2 });
    const calls = [feeds(1), feeds(2), wide, feeds(3), feeds(4), feeds(5, 6, 7)].map(run);
    await drain();
    expect(asked).toEqual([[1], [2, 3], [1, 2], [4], [5, 6, 7]]);
    await Promise.all(calls);
  });

  test('lets a request that fails fail alone', async () => {
    const { run, asked, drain } = bed();
    const calls = [feeds(1), feeds(2), feeds(-1), feeds(3)].map(run);
    const settled = Promise.allSettled(calls);
    await drain();
    expect(asked).toEqual([[1], [2, -1, 3], [2], [-1], [3]]);
    expect((await settled).map(({ status }) => status)).toEqual([
      'fulfilled',
      'fulfilled',
      'rejected',
      'fulfilled',
    ]);
  });

  test('waits for others only where told to, and not longer than until the batch is full', async () => {
    const { run, asked, naps, drain } = bed({ delayMs: 5 });
    const first = run(feeds(1));
    await drain();
    expect(asked).toEqual([]);
    naps.shift()?.();
    await drain();
    expect(asked).toEqual([[1]]);
    await first;
    const calls = [feeds(1), feeds(2), feeds(3, 4)].map(run);
    await drain();
    expect(asked).toEqual([[1], [1, 2, 3, 4]]);
    await Promise.all(calls);
  });
});

import { setTimeout as sleep } from 'node:timers/promises';
import type { Tensors } from '@flotilla/model';
import { describe, expect, test } from 'vitest';
import { benchmark } from './benchmark.ts';

const inputs: Tensors[] = [{}, {}];

/** A session whose n-th run takes so many milliseconds. */
const session = (takes: (run: number) => number) => {
  const counter = { runs: 0 };
  return {
    counter,
    run: async () => {
      await sleep(takes(counter.runs++));
      return {};
    },
  };
};

describe('benchmark', () => {
  test('tells the median and the 95th percentile of single runs', async () => {
    const slowNow = session((run) => (run % 10 === 9 ? 60 : 2));
    const limits = { mostRuns: 40, budgetMs: 60_000, fewestRuns: 3 };
    const { p50Ms, p95Ms, runs } = await benchmark(slowNow, inputs, limits);
    expect(runs).toBe(40);
    expect(p50Ms).toBeGreaterThan(1);
    expect(p50Ms).toBeLessThan(50);
    expect(p95Ms).toBeGreaterThan(55);
  });

  test('ends in time, with a few runs of a model that is slow', async () => {
    const slow = session(() => 30);
    const limits = { mostRuns: 1000, budgetMs: 1, fewestRuns: 3 };
    expect(await benchmark(slow, inputs, limits)).toMatchObject({ runs: 3 });
    expect(slow.counter.runs).toBe(3);
  });

  test('runs nothing without inputs', async () => {
    expect(
      await benchmark(
        session(() => 0),
        [],
      ),
    ).toEqual({ p50Ms: 0, p95Ms: 0, runs: 0 });
  });
});

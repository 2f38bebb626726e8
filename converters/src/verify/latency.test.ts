import type { Session } from '@flotilla/model';
import { expect, test } from 'vitest';
import { measureLatency, quantileOf } from './latency.ts';

/** A session that takes at least some time, and counts its runs. */
function sessionOf(ms: number) {
  const count = { runs: 0 };
  const session: Session = {
    inputs: [],
    outputs: [],
    runtime: 'test',
    provider: 'cpu',
    fallbacks: [],
    async run() {
      count.runs += 1;
      const end = performance.now() + ms;
      while (performance.now() < end);
      return {};
    },
    dispose: async () => undefined,
  };
  return { session, count };
}

test('two models run in turns, as often as asked for', async () => {
  const slow = sessionOf(4);
  const fast = sessionOf(2);
  const { fp32, variant } = await measureLatency(slow.session, fast.session, [{}], 7);
  expect(fp32).toBeGreaterThanOrEqual(4);
  expect(variant).toBeLessThan(fp32);
  expect([slow.count.runs, fast.count.runs]).toEqual([7 + 3, 7 + 3]);
});

test('models that take next to no time run more often', async () => {
  const [one, other] = [sessionOf(0.05), sessionOf(0.05)];
  await measureLatency(one.session, other.session, [{}], 1);
  expect(one.count.runs).toBeGreaterThan(20);
  expect(one.count.runs).toBeLessThanOrEqual(1003);
});

test('a quantile is one of the values, and none of nothing', () => {
  expect(quantileOf([3, 1, 2], 0.5)).toBe(2);
  expect(quantileOf([], 0.5)).toBeNaN();
});

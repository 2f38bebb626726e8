import { expect, test } from 'vitest';
import { restMs } from './rest.ts';

test.each([
  [500, 10, 500],
  [500, 400, 2000],
  [500, 300_000, 30_000],
  [60_000, 300_000, 60_000],
])('of an interval of %d ms and an answer that took %d ms: %d ms', (intervalMs, tookMs, rest) => {
  expect(restMs(intervalMs, tookMs)).toBe(rest);
});

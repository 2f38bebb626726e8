import { expect, test } from 'vitest';
import { createPace } from './pace.ts';

test('a pace lets so many go at once, then so many a second, and saves up no more', () => {
  const time = { nowMs: 0 };
  const pace = createPace({ monotonic: () => time.nowMs }, 4, 10);
  expect(pace.left()).toBe(4);
  pace.take(4);
  expect(pace.left()).toBe(0);
  expect(pace.untilNextMs()).toBe(100);
  time.nowMs += 250;
  expect(pace.left()).toBe(2);
  pace.take(2);
  expect(pace.untilNextMs()).toBe(50);
  time.nowMs += 60_000;
  expect(pace.left()).toBe(4);
});

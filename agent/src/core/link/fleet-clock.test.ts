import { describe, expect, test } from 'vitest';
import { createFleetClock } from './fleet-clock.ts';

const YEAR_MS = 365 * 86_400_000;

/** A system clock that somebody sets, and a monotonic one that nobody can. */
function bed(wallMs: number) {
  const time = { wallMs, monotonicMs: 1000 };
  const clock = createFleetClock({
    now: () => time.wallMs,
    monotonic: () => time.monotonicMs,
    sleep: async () => undefined,
  });
  const pass = (milliseconds: number) => {
    time.wallMs += milliseconds;
    time.monotonicMs += milliseconds;
  };
  return { time, clock, pass };
}

describe('the fleet clock', () => {
  test('follows the system, untrusted, until the server told the time', () => {
    const { time, clock, pass } = bed(0);
    pass(5000);
    expect(clock.now()).toBe(5000);
    time.wallMs += YEAR_MS;
    expect(clock.now()).toBe(5000 + YEAR_MS);
    expect(clock.trustedNow()).toBeUndefined();
    expect(clock.stamp()).toMatchObject({ clockSynced: false, monotonicMs: 6000 });
  });

  test.each([-YEAR_MS, YEAR_MS])(
    'keeps the time of the server when the clock jumps %d ms',
    (jump) => {
      const { time, clock, pass } = bed(0);
      const askedMs = clock.monotonic();
      pass(200);
      clock.setServerTime(50 * YEAR_MS, askedMs);
      pass(900);
      time.wallMs += jump;
      pass(1000);
      expect(clock.trustedNow()).toBe(50 * YEAR_MS + 100 + 1900);
      expect(clock.stamp()).toMatchObject({ clockSynced: true, monotonicMs: 3100 });
    },
  );

  test.each([0, Number.NaN, 9e15])('passes over %d, which is no time', (wallMs) => {
    const { clock } = bed(5000);
    clock.setServerTime(wallMs, 1000);
    expect(clock.trustedNow()).toBeUndefined();
    expect(clock.now()).toBe(5000);
  });
});

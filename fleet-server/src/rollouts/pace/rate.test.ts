import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allowance, perMinuteNow, type Rate, spend } from './rate.ts';
import { nextAllowedMs } from './testing.ts';

const START = 1_800_000_000_000;

/** When each device is asked by a planner that looks at such times. */
function askedTimes(rate: Rate, looks: readonly number[], committedAt: (asked: number) => number) {
  const asked: number[] = [];
  let rateMs = 0;
  for (const now of looks) {
    const spent = { rateMs, committed: committedAt(asked.length) };
    const devices = allowance(rate, spent, now);
    if (devices === 0) {
      expect(nextAllowedMs(rate, spent, now)).toBeGreaterThan(now);
      continue;
    }
    rateMs = spend(rate, spent, devices, now);
    for (let i = 0; i < devices; i++) asked.push(now);
  }
  return asked;
}

describe('a rate', () => {
  it('lets no minute have more than it says and two seconds more', () => {
    const rates = fc.integer({ min: 1, max: 5000 });
    const pauses = fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 10, maxLength: 200 });
    fc.assert(
      fc.property(rates, pauses, (perMinute, steps) => {
        let now = START;
        const looks = steps.map((step) => (now += step));
        const asked = askedTimes({ perMinute }, looks, () => 0);
        let most = 0;
        for (let i = 0, from = 0; i < asked.length; i++) {
          while ((asked[from] ?? 0) <= (asked[i] ?? 0) - 60_000) from++;
          most = Math.max(most, i - from + 1);
        }
        expect(most).toBeLessThanOrEqual(perMinute + perMinute / 30 + 1);
      }),
      { numRuns: 100 },
    );
  });

  it.each([1, 7, 60, 600, 12_000])(
    'is reached at %i per minute by a look each second',
    (perMinute) => {
      const looks = Array.from({ length: 600 }, (_, second) => START + second * 1000);
      const asked = askedTimes({ perMinute }, looks, () => 0);
      expect(asked.length).toBeGreaterThanOrEqual(Math.floor(perMinute * 10 * 0.98) - 1);
    },
  );

  it('grows with the devices that committed, up to its maximum', () => {
    const rate = { perMinute: 10, factor: 2, after: 50, max: 100 };
    expect([0, 49, 50, 149, 150, 100_000].map((n) => perMinuteNow(rate, n))).toEqual([
      10, 10, 20, 40, 80, 100,
    ]);
  });

  it('says when the next device may be asked', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 10_000 }),
        fc.integer({ min: 0, max: 90_000 }),
        (perMinute, ahead) => {
          const spent = { rateMs: START + ahead, committed: 0 };
          const next = nextAllowedMs({ perMinute }, spent, START);
          expect(allowance({ perMinute }, spent, next)).toBeGreaterThanOrEqual(1);
          if (next > START + 1) expect(allowance({ perMinute }, spent, next - 2)).toBe(0);
        },
      ),
    );
  });
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Clock } from '../ports.ts';
import { createBandwidth } from './bandwidth.ts';

/** Time that passes only while somebody sleeps. */
function virtualClock(): Clock & { readonly elapsedMs: number } {
  let nowMs = 0;
  return {
    get elapsedMs() {
      return nowMs;
    },
    now: () => nowMs,
    monotonic: () => nowMs,
    async sleep(milliseconds, signal) {
      if (!signal?.aborted) nowMs += milliseconds;
    },
  };
}

const { signal } = new AbortController();

describe('bandwidth', () => {
  test.each([2_000, 50_000, 10_000_000])('lets %i bytes a second in', async (rate) => {
    const clock = virtualClock();
    const bandwidth = createBandwidth(clock, () => rate);
    const chunk = 16_384;
    const total = rate * 60;
    for (let bytes = 0; bytes < total; bytes += chunk) await bandwidth.pay(chunk, signal);
    expect(clock.elapsedMs / 1000).toBeGreaterThan(58);
    expect(clock.elapsedMs / 1000).toBeLessThan(60 + (2 * chunk) / rate);
  });

  test('never lets in more than the cap and a second of credit, however bytes come', async () => {
    const pauses = fc.array(fc.record({ bytes: fc.nat(100_000), idleMs: fc.nat(5_000) }), {
      maxLength: 40,
    });
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 500, max: 1e6 }), pauses, async (rate, arrivals) => {
        const clock = virtualClock();
        const bandwidth = createBandwidth(clock, () => rate);
        let came = 0;
        for (const { bytes, idleMs } of arrivals) {
          await clock.sleep(idleMs);
          await bandwidth.pay(bytes, signal);
          came += bytes;
          expect(came).toBeLessThanOrEqual((rate * clock.elapsedMs) / 1000 + rate + 1);
        }
      }),
      { numRuns: 100 },
    );
  });

  test('holds two downloads together to the cap', async () => {
    const clock = virtualClock();
    const bandwidth = createBandwidth(clock, () => 10_000);
    const load = async () => {
      for (let i = 0; i < 20; i++) await bandwidth.pay(5_000, signal);
    };
    await Promise.all([load(), load()]);
    expect(clock.elapsedMs).toBeGreaterThan(18_500);
    expect(clock.elapsedMs).toBeLessThan(20_500);
  });

  test('heeds a new cap while it waits', async () => {
    const clock = virtualClock();
    let rate = 1_000;
    const changing: Clock = {
      ...clock,
      monotonic: () => clock.monotonic(),
      async sleep(milliseconds) {
        await clock.sleep(milliseconds);
        if (clock.elapsedMs >= 3_000) rate = 0;
      },
    };
    await createBandwidth(changing, () => rate).pay(1_000_000, signal);
    expect(clock.elapsedMs).toBe(3_000);
  });

  test('asks for a few seconds at once, and for everything without a cap', () => {
    const piece = (rate: number) => createBandwidth(virtualClock(), () => rate).piece();
    expect(piece(0)).toBe(undefined);
    expect(piece(2_000)).toBe(16 << 10);
    expect(piece(1_000_000)).toBe(8_000_000);
  });

  test('stops to wait when it is interrupted, and still knows what came', async () => {
    const clock = virtualClock();
    const bandwidth = createBandwidth(clock, () => 1_000);
    const stop = new AbortController();
    stop.abort();
    await expect(bandwidth.pay(10_000, stop.signal)).rejects.toThrow();
    await bandwidth.pay(1_000, signal);
    expect(clock.elapsedMs).toBe(11_000);
  });
});

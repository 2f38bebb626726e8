import type { Clock } from '../ports.ts';

/** So many at once, then so many a second (a token bucket). */
export interface Pace {
  /** How many may go now. */
  left(): number;
  take(count: number): void;
  /** Until one more may go. */
  untilNextMs(): number;
}

export function createPace(
  clock: Pick<Clock, 'monotonic'>,
  atOnce: number,
  perSecond: number,
): Pace {
  let tokens = atOnce;
  let countedMs = clock.monotonic();

  function refill(): void {
    const nowMs = clock.monotonic();
    tokens = Math.min(atOnce, tokens + ((nowMs - countedMs) * perSecond) / 1000);
    countedMs = nowMs;
  }

  return {
    left() {
      refill();
      return Math.floor(tokens);
    },
    take(count) {
      tokens -= count;
    },
    untilNextMs() {
      refill();
      return Math.ceil(Math.max(0, 1 - tokens) * (1000 / perSecond));
    },
  };
}

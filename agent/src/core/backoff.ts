import type { Random } from './ports.ts';

export interface BackoffOptions {
  readonly firstMs: number;
  readonly longestMs: number;
}

export interface Backoff {
  /** Milliseconds to wait before the next try. */
  next(): number;
  reset(): void;
}

/**
 * Doubles from `firstMs` to `longestMs`, with a share of chance from half to the whole, so that a
 * fleet that lost its server does not come back in step.
 */
export function createBackoff({ firstMs, longestMs }: BackoffOptions, random: Random): Backoff {
  let tries = 0;
  return {
    next() {
      const whole = Math.min(longestMs, firstMs * 2 ** Math.min(tries++, 30));
      return whole * (0.5 + random() / 2);
    },
    reset() {
      tries = 0;
    },
  };
}

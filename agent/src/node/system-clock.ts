import type { Clock } from '../core/index.ts';

/** The system's clocks; CLOCK_MONOTONIC counts from boot on Linux. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => Number(process.hrtime.bigint()) / 1e6,
  sleep: (milliseconds, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const end = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', end);
        resolve();
      };
      const timer = setTimeout(end, Math.max(0, milliseconds));
      signal?.addEventListener('abort', end, { once: true });
    }),
};

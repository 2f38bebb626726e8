import { uptime } from 'node:os';
import type { Clock } from '../core/index.ts';

/** Sleep is looked for at most once in so many milliseconds awake. */
const LOOK_MS = 1_000;
/** `/proc/uptime` has hundredths of a second, and is read a little later than the other clock. */
const NOISE_MS = 100;

/**
 * Milliseconds since boot, those asleep included. Node gives CLOCK_MONOTONIC, which stands still
 * while the machine is suspended; `/proc/uptime` does not (proc(5)), but takes a system call.
 *
 * @param awakeMs a clock that stands still in suspension
 * @param wholeMs one that does not
 */
export function countSleep(awakeMs: () => number, wholeMs: () => number): () => number {
  const behindMs = wholeMs() - awakeMs();
  let asleepMs = 0;
  let lookedMs = awakeMs();
  return () => {
    const nowMs = awakeMs();
    if (nowMs - lookedMs >= LOOK_MS) {
      lookedMs = nowMs;
      const foundMs = wholeMs() - nowMs - behindMs;
      if (foundMs > asleepMs + NOISE_MS) asleepMs = foundMs;
    }
    return nowMs + asleepMs;
  };
}

/** The system's clocks. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: countSleep(
    () => performance.now(),
    () => uptime() * 1000,
  ),
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

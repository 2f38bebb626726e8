/** Counts failed log-ins by address, so that secrets cannot be guessed by trying. */
export interface Throttle {
  /** Seconds to wait; 0 where the address may try. */
  wait(address: string): number;
  failed(address: string): void;
}

const WINDOW_MS = 60_000;
const MAX_FAILURES = 30;
/** Above that the oldest are forgotten: memory stays bounded whoever calls. */
const MAX_ADDRESSES = 10_000;

export function createThrottle(now: () => number): Throttle {
  const failures = new Map<string, { count: number; until: number }>();
  return {
    wait(address) {
      const entry = failures.get(address);
      if (entry === undefined || entry.until <= now() || entry.count < MAX_FAILURES) return 0;
      return Math.ceil((entry.until - now()) / 1000);
    },
    failed(address) {
      const entry = failures.get(address);
      if (entry !== undefined && entry.until > now()) {
        entry.count++;
        return;
      }
      failures.delete(address);
      failures.set(address, { count: 1, until: now() + WINDOW_MS });
      const [oldest] = failures.keys();
      if (failures.size > MAX_ADDRESSES && oldest !== undefined) failures.delete(oldest);
    },
  };
}

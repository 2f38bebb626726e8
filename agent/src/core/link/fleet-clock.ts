import type { Stamp } from '@flotilla/protocol';
import type { Clock } from '../ports.ts';

/** The device's clock, set right by the server's: devices without a battery wake up in 1970. */
export interface FleetClock extends Clock {
  /** True once the server told the time since the start. */
  readonly synced: boolean;
  /** @param askedMs monotonic time when the server was asked; half the way there counts */
  setServerTime(wallMs: number, askedMs: number): void;
  stamp(): Stamp;
}

export function createFleetClock(clock: Clock): FleetClock {
  let offsetMs = 0;
  let synced = false;
  const now = () => Math.round(clock.now() + offsetMs);
  return {
    now,
    monotonic: () => clock.monotonic(),
    sleep: (milliseconds, signal) => clock.sleep(milliseconds, signal),
    get synced() {
      return synced;
    },
    setServerTime(wallMs, askedMs) {
      offsetMs = wallMs + (clock.monotonic() - askedMs) / 2 - clock.now();
      synced = true;
    },
    stamp: () => ({
      wallMs: now(),
      monotonicMs: Math.round(clock.monotonic()),
      clockSynced: synced,
    }),
  };
}

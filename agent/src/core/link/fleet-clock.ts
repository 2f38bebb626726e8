import type { Stamp } from '@flotilla/protocol';
import type { Clock } from '../ports.ts';

/** The device's clock, set right by the server's: devices without a battery wake up in 1970. */
export interface FleetClock extends Clock {
  /** True once the server told the time since the start. */
  readonly synced: boolean;
  /** Wall-clock milliseconds; undefined until the server told the time. */
  trustedNow(): number | undefined;
  /**
   * What is no time is passed over.
   *
   * @param askedMs monotonic time when the server was asked; half the way there counts
   */
  setServerTime(wallMs: number, askedMs: number): void;
  stamp(): Stamp;
}

/** The last day that dates are written for, 31 December 9999 (RFC 3339 §1). */
const LATEST_MS = 253_402_214_400_000;

/** A moment on both clocks. */
interface Anchor {
  readonly wallMs: number;
  readonly monotonicMs: number;
}

/**
 * Follows the system's wall clock until the server told the time; from then on the monotonic one,
 * so that nobody who sets the clock of the system moves windows, log-ins or deadlines.
 */
export function createFleetClock(clock: Clock): FleetClock {
  let anchor: Anchor | undefined;
  const now = () =>
    Math.round(
      anchor === undefined ? clock.now() : anchor.wallMs + clock.monotonic() - anchor.monotonicMs,
    );
  return {
    now,
    monotonic: () => clock.monotonic(),
    sleep: (milliseconds, signal) => clock.sleep(milliseconds, signal),
    get synced() {
      return anchor !== undefined;
    },
    trustedNow: () => (anchor === undefined ? undefined : now()),
    setServerTime(wallMs, askedMs) {
      if (!(wallMs > 0 && wallMs < LATEST_MS)) return;
      anchor = { wallMs, monotonicMs: (askedMs + clock.monotonic()) / 2 };
    },
    stamp: () => ({
      wallMs: now(),
      monotonicMs: Math.round(clock.monotonic()),
      clockSynced: anchor !== undefined,
    }),
  };
}

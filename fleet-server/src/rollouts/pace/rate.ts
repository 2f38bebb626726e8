/** How fast devices are asked: constant, or growing with the devices that took the version well. */
export interface Rate {
  readonly perMinute: number;
  /** What the rate is multiplied by each time `after` more devices have committed. */
  readonly factor?: number;
  readonly after?: number;
  /** Devices per minute that it never exceeds. */
  readonly max?: number;
}

/** What was asked so far, as far as a rate depends on it. */
export interface Spent {
  /** Up to when the devices asked so far use up what the rate allows. */
  readonly rateMs: number;
  readonly committed: number;
}

/** A rate may run ahead by so much, so that it is reached by a planner that comes once a second. */
export const BURST_MS = 2000;
const MINUTE = 60_000;

/** Devices per minute once so many have committed. */
export function perMinuteNow({ perMinute, factor = 1, after = 1, max }: Rate, committed: number) {
  const grown = perMinute * factor ** Math.floor(committed / after);
  return Math.min(grown, max ?? 1e6);
}

/**
 * Devices that may be asked now. In any minute that is at most the rate, and two seconds' share or
 * one device more (the generic cell rate algorithm, ITU-T I.371).
 */
export function allowance(rate: Rate, { rateMs, committed }: Spent, now: number): number {
  const interval = MINUTE / perMinuteNow(rate, committed);
  if (rateMs <= now) return Math.max(1, Math.floor(BURST_MS / interval));
  return Math.max(0, Math.floor((now + BURST_MS - rateMs) / interval));
}

/** `rateMs` once so many devices more have been asked. */
export function spend(rate: Rate, { rateMs, committed }: Spent, devices: number, now: number) {
  const interval = MINUTE / perMinuteNow(rate, committed);
  return Math.ceil(Math.max(rateMs, now) + devices * interval);
}

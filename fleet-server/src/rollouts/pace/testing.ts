import { BURST_MS, perMinuteNow, type Rate, type Spent } from './rate.ts';

/** When the next device may be asked: what a clock that a test drives goes to. */
export function nextAllowedMs(rate: Rate, { rateMs, committed }: Spent, now: number): number {
  const interval = 60_000 / perMinuteNow(rate, committed);
  return Math.max(now, Math.ceil(rateMs - Math.max(0, BURST_MS - interval)));
}

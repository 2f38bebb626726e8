import type { PlanMember, PlanRollout, Tally } from '../types.ts';
import { allowance } from './rate.ts';
import { hoursOf } from './windows.ts';

type Limits = Pick<PlanRollout, 'rate' | 'rateMs' | 'maxInFlight'>;

/** Devices that may be asked now. */
export function roomFor(
  { rate, rateMs, maxInFlight = Number.POSITIVE_INFINITY }: Limits,
  { inFlight, committed }: Pick<Tally, 'inFlight' | 'committed'>,
  now: number,
): number {
  const allowed =
    rate === undefined ? Number.POSITIVE_INFINITY : allowance(rate, { rateMs, committed }, now);
  return Math.max(0, Math.min(allowed, maxInFlight - inFlight));
}

/** Devices that may be told to go back now. */
export function roomBack(
  { rollBackPerMinute, rateMs }: Pick<PlanRollout, 'rollBackPerMinute' | 'rateMs'>,
  now: number,
): number {
  if (rollBackPerMinute === undefined) return Number.POSITIVE_INFINITY;
  return allowance({ perMinute: rollBackPerMinute }, { rateMs, committed: 0 }, now);
}

/** Whether a device's maintenance windows let it be changed now; each zone is looked up once. */
export function openZones(
  { maintenance }: Pick<PlanRollout, 'maintenance'>,
  now: number,
): (member: Pick<PlanMember, 'timeZone'>) => boolean {
  const known = new Map<string, boolean>();
  return ({ timeZone }) => {
    const open = known.get(timeZone) ?? hoursOf(maintenance, timeZone).isOpen(now);
    known.set(timeZone, open);
    return open;
  };
}

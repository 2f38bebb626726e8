import type { Profile } from './state.ts';

export interface ProfileOptions {
  /** Hardware classes; devices take them in turn. */
  readonly targets: readonly string[];
  readonly sites: readonly string[];
  /** IANA names, in turn by site; empty: devices name none. */
  readonly timeZones: readonly string[];
  /** Beginning of their names. */
  readonly prefix: string;
}

/** Every site has devices of every target. */
export function profileOf(
  index: number,
  { targets, sites, timeZones, prefix }: ProfileOptions,
): Profile {
  const site = Math.floor(index / targets.length) % Math.max(1, sites.length);
  return {
    name: `${prefix}-${String(index + 1).padStart(5, '0')}`,
    target: targets[index % targets.length] ?? 'x86-64',
    tags: { simulated: 'yes', ...(sites.length > 0 ? { site: sites[site] ?? '' } : {}) },
    timeZone: timeZones.length > 0 ? (timeZones[site % timeZones.length] ?? '') : '',
  };
}

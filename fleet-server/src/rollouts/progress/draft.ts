import type { RolloutDraft } from '../create.ts';
import { perMinuteNow } from '../pace/rate.ts';
import { hoursOf } from '../pace/windows.ts';

type Member = RolloutDraft['members'][number];

/** Devices of a draft that get, or do not get, the same for the same reason. */
export interface DraftGroup {
  /** Index of their wave; −1: they take no part. */
  readonly wave: number;
  readonly stratum: string;
  readonly target: string;
  readonly state: string;
  readonly precision: string;
  readonly ladder: string[];
  readonly reason: string;
  readonly devices: number;
}

/** Groups that are told; a fleet with more strata than that is told by its largest. */
const GROUPS = 500;

/** A draft of any size, summed up. */
export function groupDraft(
  members: readonly Member[],
  waveOf: (position: number) => number,
): { readonly groups: DraftGroup[]; readonly furtherGroups: number } {
  const groups = new Map<string, DraftGroup>();
  for (const { position, stratum, target, state, reason, variant, ladder: rungs } of members) {
    const wave = waveOf(position);
    const precision = variant?.precision ?? '';
    const ladder = rungs.map((rung) => rung.precision);
    const key = [wave, stratum, target, state, precision, ladder, reason].join('\n');
    const devices = (groups.get(key)?.devices ?? 0) + 1;
    groups.set(key, { wave, stratum, target, state, precision, ladder, reason, devices });
  }
  const all = [...groups.values()].sort((a, b) => b.devices - a.devices);
  const told = all.slice(0, GROUPS).sort((a, b) => a.wave - b.wave);
  return { groups: told, furtherGroups: all.length - told.length };
}

const MINUTE = 60_000;

/**
 * When each wave could begin at the earliest: at the start that was set, once the wave before can
 * have been asked, watched and soaked, in a maintenance window of one of its devices. 0 where no
 * window opens within two weeks.
 */
export function earliestStarts({ settings, sizes, members }: RolloutDraft, now: number): number[] {
  const { startMs, maintenance, rate, watchMs, soakMs } = settings;
  let at = Math.max(now, startMs);
  return sizes.map((size, wave) => {
    const before = sizes[wave - 1] ?? 0;
    if (wave > 0 && at > 0) {
      const asked = before - (sizes[wave - 2] ?? 0);
      const minutes = rate === undefined ? 0 : asked / perMinuteNow(rate, before);
      at += Math.round(minutes * MINUTE) + watchMs + soakMs;
    }
    const zones = new Set(members.slice(before, size).map(({ timeZone }) => timeZone));
    const openings = [...zones].flatMap((zone) => hoursOf(maintenance, zone).openingMs(at) ?? []);
    at = at === 0 || openings.length === 0 ? 0 : Math.min(...openings);
    return at;
  });
}

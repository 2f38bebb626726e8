import { breathe, portionsOf } from '../../breathe.ts';
import type { RolloutDraft } from '../create.ts';
import { type ArmName, reasonIn } from '../kinds/shape.ts';
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
  readonly arm: ArmName;
  readonly precision: string;
  readonly ladder: string[];
  readonly reason: string;
  readonly devices: number;
}

/** Groups that are told; a fleet with more strata than that is told by its largest. */
const GROUPS = 500;

/** A draft of any size, summed up. */
export async function groupDraft(
  members: readonly Member[],
  waveOf: (position: number) => number,
): Promise<{ readonly groups: DraftGroup[]; readonly furtherGroups: number }> {
  const groups = new Map<string, DraftGroup & { devices: number }>();
  for await (const some of portionsOf(members)) {
    for (const member of some) {
      const { stratum, target, state, arm } = member;
      const reason = reasonIn(member);
      const wave = waveOf(member.position);
      const precision = member.variant?.precision ?? '';
      const ladder = member.ladder.map((rung) => rung.precision);
      const key = `${wave}\n${stratum}\n${target}\n${state}\n${arm}\n${precision}\n${ladder.join()}\n${reason}`;
      const known = groups.get(key);
      if (known !== undefined) known.devices++;
      else
        groups.set(key, {
          wave,
          stratum,
          target,
          state,
          arm,
          precision,
          ladder,
          reason,
          devices: 1,
        });
    }
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
export async function earliestStarts(
  { settings, sizes, members }: Pick<RolloutDraft, 'settings' | 'sizes' | 'members'>,
  now: number,
): Promise<number[]> {
  const { startMs, maintenance, rate, watchMs, soakMs } = settings;
  const starts: number[] = [];
  let at = Math.max(now, startMs);
  for (const [wave, size] of sizes.entries()) {
    const before = sizes[wave - 1] ?? 0;
    if (wave > 0 && at > 0) {
      const asked = before - (sizes[wave - 2] ?? 0);
      const minutes = rate === undefined ? 0 : asked / perMinuteNow(rate, before);
      at += Math.round(minutes * MINUTE) + watchMs + soakMs;
    }
    at = at === 0 ? 0 : await earliestOpening(maintenance, members.slice(before, size), at);
    starts.push(at);
  }
  return starts;
}

async function earliestOpening(
  maintenance: RolloutDraft['settings']['maintenance'],
  members: readonly Member[],
  at: number,
): Promise<number> {
  if (maintenance.length === 0) return at;
  const zones = new Set<string>();
  for await (const some of portionsOf(members)) for (const one of some) zones.add(one.timeZone);
  const openings: number[] = [];
  for (const zone of zones) {
    const opening = hoursOf(maintenance, zone).openingMs(at);
    if (opening !== undefined) openings.push(opening);
    await breathe();
  }
  return openings.length === 0 ? 0 : Math.min(...openings);
}

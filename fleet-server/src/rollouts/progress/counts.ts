import { type Kysely, sql } from 'kysely';
import type { Database } from '../../db/schema.ts';
import { hoursOf } from '../pace/windows.ts';
import type { Rollout } from '../store.ts';
import type { BackState, MemberState } from '../types.ts';
import { standingOf } from './standing.ts';
import type { StandingCounts } from './waves.ts';

type Db = Kysely<Database>;

/** What the members of a rollout sum up to. */
export interface MemberCounts {
  readonly byWave: ReadonlyMap<number, StandingCounts>;
  /** Asked, and neither ended nor expired. */
  readonly inFlight: number;
  /** Devices that were ever asked to take the version. */
  readonly asked: number;
  readonly committed: number;
  /** Took the version within the last minute. */
  readonly lastMinute: number;
  /** When the first device could not keep the version; 0 while all could. */
  readonly firstFailureMs: number;
  /** Failed, and to be tried again. */
  readonly retrying: number;
  /** When the next of these is; 0 where none is. */
  readonly nextDueMs: number;
  /** When the last device of the open wave ended; 0 where none has. */
  readonly settledMs: number;
  readonly unsuitable: number;
  readonly unchanged: number;
  /** Arm A of an A/B rollout, which keeps its version. */
  readonly control: number;
}

const MINUTE = 60_000;

/** In one pass over the members, counted by the database: fit for a fleet of any size. */
export async function countMembers(db: Db, rollout: Rollout, now: number): Promise<MemberCounts> {
  const wave = waveOf(rollout.sizes);
  const rows = await db
    .selectFrom('rollout_members')
    .select((e) => [
      wave.as('wave'),
      'state',
      'back_state',
      e.fn.countAll<number>().as('devices'),
      e.fn.max('ended_ms').as('ended'),
      sql<number>`min(case when ended_ms > 0 then ended_ms end)`.as('first'),
      sql<number>`sum(case when ended_ms > ${now - MINUTE} then 1 else 0 end)`.as('fresh'),
      sql<number>`sum(case when deployment <> '' then 1 else 0 end)`.as('asked'),
      sql<number>`sum(case when due_ms > 0 then 1 else 0 end)`.as('due'),
      sql<number>`sum(case when arm = 'control' then 1 else 0 end)`.as('control'),
      sql<number>`min(case when due_ms > 0 then due_ms end)`.as('next'),
    ])
    .where('fleet', '=', rollout.fleet)
    .where('rollout', '=', rollout.id)
    .groupBy([wave, 'state', 'back_state'])
    .execute();
  const groups = rows.map((row) => ({
    wave: Number(row.wave),
    state: row.state as MemberState,
    backState: row.back_state as BackState,
    devices: Number(row.devices),
    endedMs: Number(row.ended),
    firstMs: Number(row.first ?? 0),
    fresh: Number(row.fresh),
    asked: Number(row.asked),
    due: Number(row.due),
    control: Number(row.control),
    nextMs: Number(row.next ?? 0),
  }));
  return sumUp(groups, rollout.wave);
}

interface Group {
  readonly wave: number;
  readonly state: MemberState;
  readonly backState: BackState;
  readonly devices: number;
  readonly endedMs: number;
  readonly firstMs: number;
  readonly fresh: number;
  readonly asked: number;
  readonly due: number;
  readonly control: number;
  readonly nextMs: number;
}

function sumUp(groups: readonly Group[], open: number): MemberCounts {
  const byWave = new Map<number, Record<string, number>>();
  for (const group of groups) {
    const counts = byWave.get(group.wave) ?? {};
    const standing = standingOf(group);
    counts[standing] = (counts[standing] ?? 0) + group.devices;
    byWave.set(group.wave, counts);
  }
  const of = (...states: MemberState[]) => groups.filter(({ state }) => states.includes(state));
  const sum = (some: readonly Group[], key: 'devices' | 'fresh' | 'asked' | 'due' | 'control') =>
    some.reduce((total, group) => total + group[key], 0);
  const failures = of('failed', 'rolled-back').map(({ firstMs }) => firstMs);
  const again = of('failed').filter(({ due, backState }) => due > 0 && backState === 'none');
  const ended = groups.filter(({ wave }) => wave >= 0 && wave <= open);
  return {
    byWave,
    inFlight: sum(of('sent', 'in-progress'), 'devices'),
    asked: sum(groups, 'asked'),
    committed: sum(of('committed'), 'devices'),
    lastMinute: sum(of('committed'), 'fresh'),
    firstFailureMs: earliest(failures),
    retrying: sum(again, 'due'),
    nextDueMs: earliest(again.map(({ nextMs }) => nextMs)),
    settledMs: Math.max(0, ...ended.map(({ endedMs }) => endedMs)),
    unsuitable: sum(of('unsuitable'), 'devices'),
    unchanged: sum(of('unchanged'), 'devices') - sum(of('unchanged'), 'control'),
    control: sum(of('unchanged'), 'control'),
  };
}

const earliest = (times: readonly number[]): number =>
  times.length === 0 ? 0 : Math.min(...times);

/** Index of the wave of a member; late ones belong to the last; −1 takes no part. */
function waveOf(sizes: readonly number[]) {
  const branches = sizes
    .slice(0, -1)
    .map((size, index) => sql`when position < ${sql.lit(size)} then ${sql.lit(index)}`);
  const last = sql.lit(Math.max(0, sizes.length - 1));
  return sql<number>`case when position < 0 then -1 ${sql.join(branches, sql` `)} else ${last} end`;
}

/** Devices of one stratum, as far as they take part. */
export interface StratumProgress {
  readonly stratum: string;
  readonly size: number;
  readonly counts: StandingCounts;
}

/** @param most strata that are told; those with the most devices come first */
export async function countStrata(
  db: Db,
  { fleet, id }: Pick<Rollout, 'fleet' | 'id'>,
  most: number,
): Promise<{ readonly strata: StratumProgress[]; readonly further: number }> {
  const rows = await db
    .selectFrom('rollout_members')
    .select((e) => ['stratum', 'state', 'back_state', e.fn.countAll<number>().as('devices')])
    .where('fleet', '=', fleet)
    .where('rollout', '=', id)
    .where('position', '>=', 0)
    .groupBy(['stratum', 'state', 'back_state'])
    .execute();
  const strata = [...Map.groupBy(rows, ({ stratum }) => stratum)].map(([stratum, groups]) => {
    const counts: Record<string, number> = {};
    for (const { state, back_state, devices } of groups) {
      const standing = standingOf({
        state: state as MemberState,
        backState: back_state as BackState,
      });
      counts[standing] = (counts[standing] ?? 0) + Number(devices);
    }
    const size = groups.reduce((total, { devices }) => total + Number(devices), 0);
    return { stratum, size, counts };
  });
  strata.sort((a, b) => b.size - a.size || (a.stratum < b.stratum ? -1 : 1));
  return { strata: strata.slice(0, most), further: Math.max(0, strata.length - most) };
}

/** Devices of which a step is told. */
export interface StepCount {
  /** As the device names it: `download`, `selfTest`, `watch`. */
  readonly step: string;
  readonly devices: number;
}

/** Of `Outcome.step`; what else a device may say is not told. */
const STEPS = ['download', 'verify', 'selfTest', 'activate', 'watch', 'commit', 'rollBack'];
const STEPS_TOLD = 4;

/** What the devices that have taken the version up are at, the most frequent first, a few at most. */
export async function countSteps(
  db: Db,
  { fleet, id }: Pick<Rollout, 'fleet' | 'id'>,
): Promise<StepCount[]> {
  const rows = await db
    .selectFrom('rollout_members')
    .select((e) => ['step', e.fn.countAll<number>().as('devices')])
    .where('fleet', '=', fleet)
    .where('rollout', '=', id)
    .where('state', '=', 'in-progress')
    .where('step', 'in', STEPS)
    .groupBy('step')
    .orderBy('devices', 'desc')
    .orderBy('step')
    .limit(STEPS_TOLD)
    .execute();
  return rows.map(({ step, devices }) => ({ step, devices: Number(devices) }));
}

/** Devices in flight that are not connected: what a wave that does not end most often waits for. */
export async function countAway(
  db: Db,
  { fleet, id }: Pick<Rollout, 'fleet' | 'id'>,
): Promise<number> {
  const { devices } = await db
    .selectFrom('rollout_members as m')
    .innerJoin('devices as d', (join) =>
      join.onRef('d.fleet', '=', 'm.fleet').onRef('d.device', '=', 'm.device'),
    )
    .select((e) => e.fn.countAll<number>().as('devices'))
    .where('m.fleet', '=', fleet)
    .where('m.rollout', '=', id)
    .where((e) =>
      e.or([
        e('m.state', 'in', ['sent', 'in-progress']),
        e('m.back_state', 'in', ['sent', 'in-progress']),
      ]),
    )
    .where('d.online', '=', 0)
    .executeTakeFirstOrThrow();
  return Number(devices);
}

/**
 * When the next maintenance window opens for a device that waits for its turn in the open wave: 0
 * where one is open, or none waits.
 */
export async function nextWindowMs(
  db: Db,
  { fleet, id, sizes, wave, settings: { maintenance } }: Rollout,
  now: number,
): Promise<number> {
  if (maintenance.length === 0 || wave < 0) return 0;
  const rows = await db
    .selectFrom('rollout_members')
    .select('time_zone')
    .distinct()
    .where('fleet', '=', fleet)
    .where('rollout', '=', id)
    .where('state', '=', 'pending')
    .where('position', '>=', 0)
    .where('position', '<', sizes[wave] ?? 0)
    .execute();
  const opens = rows.map(({ time_zone }) => hoursOf(maintenance, time_zone).openingMs(now) ?? 0);
  return opens.includes(now) ? 0 : earliest(opens.filter((ms) => ms > now));
}

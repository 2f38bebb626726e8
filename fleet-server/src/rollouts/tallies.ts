import { type Kysely, sql } from 'kysely';
import type { Database } from '../db/schema.ts';
import type { Evidence, Tally } from './gates/types.ts';
import type { Rollout } from './store.ts';

type Db = Kysely<Database>;

/** Unclean starts since a device was asked, from which it is said to keep crashing. */
const CRASHES = 3;
/** On average in a day: a device that is switched off at the plug each night has one. */
const CRASHES_A_DAY = 3;
const DAY_MS = 86_400_000;
/** It must crash so many times as often as before, too. */
const MORE_OFTEN = 3;
/** Share of the self-test's tolerance from which a device counts as deviating. */
const NEAR_TOLERANCE = 0.9;

/**
 * How many devices of each variant were asked, and how many of them are bad in which way. Counted in
 * the database, for a rollout may have a hundred thousand devices.
 */
export async function readTallies(
  db: Db,
  rollout: Rollout,
  now: number,
): Promise<Pick<Evidence, 'membership' | 'variants' | 'tallies'>> {
  const counts = await readCounts(db, rollout, now);
  const failures = await readFailures(db, rollout);
  const tally = (bad: (count: Count) => number): Tally[] =>
    counts.map((count) => ({
      variant: count.variant,
      asked: count.asked,
      bad: bad(count),
      reason: '',
    }));
  return {
    membership: counts.reduce((sum, { members }) => sum + members, 0),
    variants: counts.map(({ variant }) => variant),
    tallies: {
      activations: counts.map(({ variant, asked }) => ({
        variant,
        asked,
        ...mostOf(failures.filter((one) => one.variant === variant)),
      })),
      crashes: tally(({ crashing }) => crashing),
      'self-test': tally(({ deviating }) => deviating),
      drift: tally(({ drifting }) => drifting),
    },
  };
}

/** Of a TUF target path, `{model}/{version}/{target}/{precision}`. */
export const variantOf = (targetPath: string): string => targetPath.split('/').slice(2).join(' ');

/**
 * A device crashed before at base / (sent − enrolled); the products avoid the division, and are
 * taken of fractions, for those of what a device may claim are above what a bigint holds.
 */
const crashing = (now: number) => sql<boolean>`m.base_unclean_starts >= 0
  and d.unclean_starts - m.base_unclean_starts >= ${sql.lit(CRASHES)}
  and d.unclean_starts - m.base_unclean_starts
    >= (${sql.lit(now)} - m.sent_ms) / ${sql.lit(DAY_MS / CRASHES_A_DAY)}
  and 1.0 * (m.sent_ms - d.enrolled_ms) * (d.unclean_starts - m.base_unclean_starts)
    >= 1.0 * (${sql.lit(now)} - m.sent_ms) * m.base_unclean_starts * ${sql.lit(MORE_OFTEN)}`;

const asked = sql<boolean>`m.deployment <> ''`;
/** It passed: a device that used more than the tolerance has failed, and counts as such. */
const deviating = sql<boolean>`m.tolerance_used >= ${sql.lit(NEAR_TOLERANCE)}
  and m.tolerance_used <= 1`;
const drifting = sql<boolean>`l.drifted > 0 and m.base_drifted = 0`;

const howMany = (condition: ReturnType<typeof sql<boolean>>) =>
  sql<number>`sum(case when ${condition} then 1 else 0 end)`;

/** Of each variant: devices that take part, those asked, and of these those that are bad. */
interface Count {
  readonly variant: string;
  readonly members: number;
  readonly asked: number;
  readonly crashing: number;
  readonly deviating: number;
  readonly drifting: number;
}

async function readCounts(db: Db, { fleet, id, slot }: Rollout, now: number): Promise<Count[]> {
  const bad = (condition: ReturnType<typeof sql<boolean>>) =>
    howMany(sql<boolean>`${asked} and ${condition}`);
  const rows = await db
    .selectFrom('rollout_members as m')
    .innerJoin('devices as d', (join) =>
      join.onRef('d.fleet', '=', 'm.fleet').onRef('d.device', '=', 'm.device'),
    )
    .leftJoin('telemetry_latest as l', (join) =>
      join
        .onRef('l.fleet', '=', 'm.fleet')
        .onRef('l.device', '=', 'm.device')
        .onRef('l.deployment', '=', 'm.deployment')
        .on('l.slot', '=', slot),
    )
    .select((e) => [
      'm.target_path',
      e.fn.countAll<number>().as('members'),
      howMany(asked).as('asked'),
      bad(crashing(now)).as('crashing'),
      bad(deviating).as('deviating'),
      bad(drifting).as('drifting'),
    ])
    .where('m.fleet', '=', fleet)
    .where('m.rollout', '=', id)
    .where('m.position', '>=', 0)
    .where('m.arm', '!=', 'control')
    .groupBy('m.target_path')
    .orderBy('m.target_path')
    .execute();
  return rows.map(({ target_path, ...row }) => ({
    variant: variantOf(target_path),
    members: Number(row.members),
    asked: Number(row.asked),
    crashing: Number(row.crashing),
    deviating: Number(row.deviating),
    drifting: Number(row.drifting),
  }));
}

interface Failure {
  readonly variant: string;
  readonly reason: string;
  readonly devices: number;
}

/** A failure that will be tried again is not one yet; a device that took it up and fell silent is. */
async function readFailures(db: Db, { fleet, id }: Rollout): Promise<Failure[]> {
  const rows = await db
    .selectFrom('rollout_members')
    .select((e) => ['target_path', 'state', 'code', e.fn.countAll<number>().as('devices')])
    .where('fleet', '=', fleet)
    .where('rollout', '=', id)
    .where('state', 'in', ['rolled-back', 'failed', 'expired'])
    .where((e) =>
      e.or([
        e('state', '=', 'rolled-back'),
        e.and([e('state', '=', 'failed'), e('due_ms', '=', 0)]),
        e.and([e('state', '=', 'expired'), e('started', '=', 1)]),
      ]),
    )
    .groupBy(['target_path', 'state', 'code'])
    .execute();
  return rows.map(({ target_path, state, code, devices }) => ({
    variant: variantOf(target_path),
    reason: state === 'expired' ? 'no answer after it was taken up' : code,
    devices: Number(devices),
  }));
}

function mostOf(failures: readonly Failure[]): Pick<Tally, 'bad' | 'reason'> {
  const [most] = [...failures].sort((a, b) => b.devices - a.devices);
  return {
    bad: failures.reduce((sum, { devices }) => sum + devices, 0),
    reason: most?.reason ?? '',
  };
}

import type { Kysely } from 'kysely';
import type { Database } from '../db/schema.ts';
import { chunks } from '../rollouts/store.ts';
import type { FeatureState } from './judge.ts';

type Db = Kysely<Database>;

/** One stretch of time of one version: what is judged together. */
export interface Period {
  readonly fleet: string;
  readonly model: string;
  readonly version: number;
  readonly startMs: number;
  readonly lengthMs: number;
}

/** A server that was away judges no more than that many periods of the past. */
const MAX_BEHIND = 20;
/** Windows older than this came too late to be judged. */
const MAX_AGE_MS = 6 * 3_600_000;
const MAX_GRACE_MS = 30_000;
const MIN_GRACE_MS = 500;

/** How long windows may take to arrive: half a window, within bounds. */
const graceOf = (lengthMs: number): number =>
  Math.min(MAX_GRACE_MS, Math.max(MIN_GRACE_MS, lengthMs / 2));

/** Periods that are over and have windows that were not judged, oldest first within a version. */
export async function pendingPeriods(db: Db, now: number): Promise<Period[]> {
  const running = await db
    .selectFrom('telemetry_latest as l')
    .leftJoin('drift_cursors as c', (join) =>
      join
        .onRef('c.fleet', '=', 'l.fleet')
        .onRef('c.model', '=', 'l.model')
        .onRef('c.version', '=', 'l.version')
        .onRef('c.length_ms', '=', 'l.length_ms'),
    )
    .select(['l.fleet', 'l.model', 'l.version', 'l.length_ms', 'c.judged_until_ms'])
    .distinct()
    .where('l.window_end_ms', '>=', now - MAX_AGE_MS)
    .execute();
  const periods: Period[] = [];
  for (const { fleet, model, version, length_ms: lengthMs, judged_until_ms } of running) {
    const from = Math.max(judged_until_ms ?? 0, now - MAX_AGE_MS);
    const over = now - lengthMs - graceOf(lengthMs);
    const rows = await db
      .selectFrom('telemetry_windows')
      .select('start_ms')
      .distinct()
      .where('fleet', '=', fleet)
      .where('model', '=', model)
      .where('version', '=', version)
      .where('start_ms', '>=', from)
      .where('start_ms', '<=', over)
      .where('length_ms', '=', lengthMs)
      .orderBy('start_ms', 'desc')
      .limit(MAX_BEHIND)
      .execute();
    const starts = rows.map(({ start_ms }) => start_ms).reverse();
    periods.push(...starts.map((startMs) => ({ fleet, model, version, startMs, lengthMs })));
  }
  return periods;
}

/** @returns false where another server has judged it meanwhile */
export async function setCursor(trx: Db, period: Period): Promise<boolean> {
  const { fleet, model, version, lengthMs, startMs } = period;
  const judged_until_ms = startMs + lengthMs;
  const row = await trx
    .insertInto('drift_cursors')
    .values({ fleet, model, version, length_ms: lengthMs, judged_until_ms })
    .onConflict((on) =>
      on
        .columns(['fleet', 'model', 'version', 'length_ms'])
        .doUpdateSet({ judged_until_ms })
        .where('drift_cursors.judged_until_ms', '<', judged_until_ms),
    )
    .returning('judged_until_ms')
    .executeTakeFirst();
  return row !== undefined;
}

type Features = Readonly<Record<string, FeatureState>>;

interface StateKey extends Pick<Period, 'fleet' | 'model' | 'version'> {
  readonly profile: string;
}

/** By device, empty for the fleet; what belongs to another profile counts as unknown. */
export async function readStates(
  trx: Db,
  { fleet, model, version, profile }: StateKey,
  devices: readonly string[],
): Promise<Map<string, Features>> {
  const states = new Map<string, Features>();
  for (const some of chunks(devices, 400)) {
    const rows = await trx
      .selectFrom('drift_states')
      .select(['device', 'features'])
      .where('fleet', '=', fleet)
      .where('model', '=', model)
      .where('version', '=', version)
      .where('profile', '=', profile)
      .where('device', 'in', some)
      .execute();
    for (const { device, features } of rows) states.set(device, JSON.parse(features) as Features);
  }
  return states;
}

export async function writeStates(
  trx: Db,
  { fleet, model, version, profile }: StateKey,
  states: ReadonlyMap<string, Features>,
  now: number,
): Promise<void> {
  for (const some of chunks([...states], 100)) {
    await trx
      .insertInto('drift_states')
      .values(
        some.map(([device, features]) => ({
          fleet,
          model,
          version,
          device,
          profile,
          features: JSON.stringify(features),
          updated_ms: now,
        })),
      )
      .onConflict((on) =>
        on.columns(['fleet', 'model', 'version', 'device']).doUpdateSet((e) => ({
          profile: e.ref('excluded.profile'),
          features: e.ref('excluded.features'),
          updated_ms: e.ref('excluded.updated_ms'),
        })),
      )
      .execute();
  }
}

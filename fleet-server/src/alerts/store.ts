import { newId } from '@flotilla/protocol';
import type { Kysely, Selectable } from 'kysely';
import type { Database } from '../db/schema.ts';
import type { AlertsTable } from '../db/schema-telemetry.ts';

type Db = Kysely<Database>;

export type AlertScope = 'device' | 'fleet';
export type AlertState = 'open' | 'closed';

/** The distribution behind a drift alarm: counts by bin; one bin more than edges. */
export interface DistributionData {
  readonly edges: readonly number[];
  readonly reference: readonly number[];
  readonly observed: readonly number[];
}

/** What an alert is about: at most one is open for each. */
export interface AlertKey {
  readonly fleet: string;
  readonly kind: 'drift';
  readonly scope: AlertScope;
  /** Empty for the fleet. */
  readonly device: string;
  readonly model: string;
  readonly version: number;
  readonly feature: string;
}

export interface AlertFigures {
  readonly statistic: number;
  readonly threshold: number;
  readonly sentence: string;
  readonly data: DistributionData;
}

export interface Alert extends AlertKey, AlertFigures {
  readonly id: string;
  readonly state: AlertState;
  readonly sinceMs: number;
  /** 0 while open. */
  readonly closedMs: number;
}

const alertOf = (row: Selectable<AlertsTable>): Alert => ({
  id: row.alert,
  fleet: row.fleet,
  kind: 'drift',
  scope: row.scope as AlertScope,
  device: row.device,
  model: row.model,
  version: row.version,
  feature: row.feature,
  state: row.state as AlertState,
  sinceMs: row.since_ms,
  closedMs: row.closed_ms,
  statistic: row.statistic,
  threshold: row.threshold,
  sentence: row.sentence,
  data: JSON.parse(row.data) as DistributionData,
});

export async function openAlerts(
  db: Db,
  fleet: string,
  version?: { readonly model: string; readonly version: number },
): Promise<Alert[]> {
  let query = db
    .selectFrom('alerts')
    .selectAll()
    .where('fleet', '=', fleet)
    .where('state', '=', 'open');
  if (version !== undefined) {
    query = query.where('model', '=', version.model).where('version', '=', version.version);
  }
  return (await query.orderBy('alert').execute()).map(alertOf);
}

/** Newest first; `before` is the id to continue after. */
export async function listAlerts(
  db: Db,
  fleet: string,
  {
    state,
    before,
    limit,
  }: { state?: AlertState | undefined; before?: string | undefined; limit: number },
): Promise<Alert[]> {
  let query = db.selectFrom('alerts').selectAll().where('fleet', '=', fleet);
  if (state !== undefined) query = query.where('state', '=', state);
  if (before !== undefined) query = query.where('alert', '<', before);
  return (await query.orderBy('alert', 'desc').limit(limit).execute()).map(alertOf);
}

export async function findAlert(db: Db, fleet: string, id: string): Promise<Alert | undefined> {
  const row = await db
    .selectFrom('alerts')
    .selectAll()
    .where('fleet', '=', fleet)
    .where('alert', '=', id)
    .executeTakeFirst();
  return row === undefined ? undefined : alertOf(row);
}

/** @returns the new alert's id */
export async function raiseAlert(
  trx: Db,
  key: AlertKey,
  figures: AlertFigures,
  now: number,
): Promise<string> {
  const alert = newId(now);
  const { data, ...rest } = figures;
  await trx
    .insertInto('alerts')
    .values({
      ...key,
      ...rest,
      alert,
      state: 'open',
      since_ms: now,
      closed_ms: 0,
      data: JSON.stringify(data),
    })
    .execute();
  return alert;
}

/** What is observed now, while it stays open. */
export async function updateAlert(
  trx: Db,
  { fleet, id }: Pick<Alert, 'fleet' | 'id'>,
  { data, ...rest }: AlertFigures,
): Promise<void> {
  await trx
    .updateTable('alerts')
    .set({ ...rest, data: JSON.stringify(data) })
    .where('fleet', '=', fleet)
    .where('alert', '=', id)
    .execute();
}

export async function closeAlert(
  trx: Db,
  { fleet, id, sentence }: Pick<Alert, 'fleet' | 'id' | 'sentence'>,
  why: string,
  now: number,
): Promise<void> {
  await trx
    .updateTable('alerts')
    .set({ state: 'closed', closed_ms: now, sentence: `${sentence}; closed: ${why}` })
    .where('fleet', '=', fleet)
    .where('alert', '=', id)
    .execute();
}

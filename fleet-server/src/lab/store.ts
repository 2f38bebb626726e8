import { FlotillaError } from '@flotilla/protocol';
import type { Kysely, Selectable, Updateable } from 'kysely';
import type { Database, LabOrdersTable, LabRunsTable } from '../db/schema.ts';
import type { LabOrder, LabOrderState, LabRunState } from './plan.ts';

type Db = Kysely<Database>;

export type LabRunRow = Omit<Selectable<LabRunsTable>, 'state'> & { readonly state: LabRunState };
export type LabOrderRow = Omit<Selectable<LabOrdersTable>, 'state'> & {
  readonly state: LabOrderState;
};
type LabOrderChange = Omit<Updateable<LabOrdersTable>, 'state'> & {
  readonly state: LabOrderState;
};

/** @throws FlotillaError `server.not-found` */
export async function readLabRun(db: Db, fleet: string, run: string): Promise<LabRunRow> {
  const row = await db
    .selectFrom('lab_runs')
    .selectAll()
    .where('fleet', '=', fleet)
    .where('run', '=', run)
    .executeTakeFirst();
  if (row !== undefined) return row as LabRunRow;
  throw new FlotillaError('server.not-found', { what: 'lab run', id: run.slice(0, 40) });
}

/** Newest first. `before`: the id to continue after. */
export async function listLabRuns(
  db: Db,
  fleet: string,
  { model, version }: { readonly model: string; readonly version: number },
  { limit, before }: { readonly limit: number; readonly before: string },
): Promise<LabRunRow[]> {
  let query = db
    .selectFrom('lab_runs')
    .selectAll()
    .where('fleet', '=', fleet)
    .where('model', '=', model)
    .where('version', '=', version);
  if (before !== '') query = query.where('run', '<', before);
  const rows = await query.orderBy('run', 'desc').limit(limit).execute();
  return rows as LabRunRow[];
}

export async function unfinishedLabRuns(db: Db): Promise<LabRunRow[]> {
  const rows = await db
    .selectFrom('lab_runs')
    .selectAll()
    .where('state', '=', 'running')
    .orderBy('run')
    .execute();
  return rows as LabRunRow[];
}

/** By device, in the order in which they have their turn. */
export async function readLabOrders(
  db: Db,
  { fleet, run }: Pick<LabRunRow, 'fleet' | 'run'>,
): Promise<LabOrderRow[]> {
  const rows = await db
    .selectFrom('lab_orders')
    .selectAll()
    .where('fleet', '=', fleet)
    .where('run', '=', run)
    .orderBy('device')
    .orderBy('position')
    .execute();
  return rows as LabOrderRow[];
}

export const orderOf = (row: LabOrderRow): LabOrder => ({
  device: row.device,
  digest: row.digest,
  position: row.position,
  state: row.state,
  retryable: row.retryable === 1,
  attempt: row.attempt,
  sentMs: row.sent_ms,
  endedMs: row.ended_ms,
});

/**
 * Changes an order that still is as it was read: reports and deadlines come at the same time where
 * the database lets them.
 *
 * @returns false where it had changed in between and nothing was written
 */
export async function setLabOrder(
  trx: Db,
  order: Pick<LabOrderRow, 'fleet' | 'run' | 'device' | 'digest' | 'state'>,
  change: LabOrderChange,
): Promise<boolean> {
  const { numUpdatedRows } = await trx
    .updateTable('lab_orders')
    .set(change)
    .where('fleet', '=', order.fleet)
    .where('run', '=', order.run)
    .where('device', '=', order.device)
    .where('digest', '=', order.digest)
    .where('state', '=', order.state)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

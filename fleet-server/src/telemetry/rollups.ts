import type { Window } from '@flotilla/protocol';
import type { Kysely } from 'kysely';
import type { ServerContext } from '../context.ts';
import type { Database } from '../db/schema.ts';
import { emptyWindow, mergeWindows, packWindow, unpackWindow } from './merge.ts';

export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;

/** `fleet` rows are cut into shards, so that devices do not wait for each other on PostgreSQL. */
export type Scope = 'fleet' | 'device' | 'deployment';
const SHARDS = 8;

interface Key {
  readonly fleet: string;
  readonly scope: Scope;
  readonly subject: string;
  readonly model: string;
  readonly version: number;
  readonly grain_ms: number;
  readonly start_ms: number;
}

export interface Labels {
  readonly fleet: string;
  readonly device: string;
  readonly deployment: string;
  readonly model: string;
  readonly version: number;
}

/**
 * Adds a window to every row that it belongs to: the device and the fleet by minute and by hour,
 * the deployment by hour. A window longer than the grain counts where it begins.
 */
export async function addToRollups(
  trx: Kysely<Database>,
  dialect: ServerContext['dialect'],
  { fleet, device, deployment, model, version }: Labels,
  window: Window,
): Promise<void> {
  const shard = String(shardOf(device));
  // one lock for all that devices of a shard share: taken once, it cannot deadlock
  await dialect.lock(trx, `rollups ${fleet}/${shard}`);
  const rows = [
    ['device', device, MINUTE_MS],
    ['device', device, HOUR_MS],
    ['deployment', deployment, HOUR_MS],
    ['fleet', shard, MINUTE_MS],
    ['fleet', shard, HOUR_MS],
  ] as const;
  for (const [scope, subject, grain_ms] of rows) {
    const start_ms = window.startMs - (window.startMs % grain_ms);
    await addToRow(trx, { fleet, scope, subject, model, version, grain_ms, start_ms }, window);
  }
}

async function addToRow(trx: Kysely<Database>, key: Key, window: Window): Promise<void> {
  const { fleet, scope, subject, model, version, grain_ms, start_ms } = key;
  const row = await trx
    .selectFrom('telemetry_rollups')
    .select('body')
    .where('fleet', '=', fleet)
    .where('scope', '=', scope)
    .where('subject', '=', subject)
    .where('model', '=', model)
    .where('version', '=', version)
    .where('grain_ms', '=', grain_ms)
    .where('start_ms', '=', start_ms)
    .executeTakeFirst();
  const merged = mergeWindows(row === undefined ? emptyWindow() : unpackWindow(row.body), window);
  const { inferences, errors } = merged;
  const values = { inferences, errors, body: packWindow(merged) };
  await trx
    .insertInto('telemetry_rollups')
    .values({ ...key, ...values })
    .onConflict((on) =>
      on
        .columns(['fleet', 'scope', 'subject', 'model', 'version', 'grain_ms', 'start_ms'])
        .doUpdateSet(values),
    )
    .execute();
}

/** Ids end in chance (ULID), so their last characters spread well. */
function shardOf(device: string): number {
  let sum = 0;
  for (const char of device.slice(-4)) sum = (sum * 31 + char.charCodeAt(0)) % 65_521;
  return sum % SHARDS;
}

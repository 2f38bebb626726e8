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

type RowOf = readonly [scope: Scope, grainMs: number];

/** The rows that a window belongs to: device and fleet by minute and by hour, deployment by hour. */
export const ALL_ROWS: readonly RowOf[] = [
  ['device', MINUTE_MS],
  ['device', HOUR_MS],
  ['deployment', HOUR_MS],
  ['fleet', MINUTE_MS],
  ['fleet', HOUR_MS],
];
/** What a shadow computes is not what the device answered: only its own deployment counts it. */
export const SHADOW_ROWS: readonly RowOf[] = [['deployment', HOUR_MS]];

/** Adds a window to its rows. One that is longer than the grain counts where it begins. */
export async function addToRollups(
  trx: Kysely<Database>,
  dialect: ServerContext['dialect'],
  { fleet, device, deployment, model, version }: Labels,
  window: Window,
  rowsOf: readonly RowOf[],
): Promise<void> {
  const shard = String(shardOf(device));
  // one lock for all that devices of a shard share: taken once, it cannot deadlock
  await dialect.lock(trx, `rollups ${fleet}/${shard}`);
  const subjects: Readonly<Record<Scope, string>> = { device, deployment, fleet: shard };
  const rows = rowsOf.map(([scope, grain_ms]): Key => {
    const subject = subjects[scope];
    const start_ms = window.startMs - (window.startMs % grain_ms);
    return { fleet, scope, subject, model, version, grain_ms, start_ms };
  });
  await writeMerged(trx, rows, await readBodies(trx, rows), window);
}

const nameOf = ({ scope, subject, grain_ms }: Pick<Key, 'scope' | 'subject' | 'grain_ms'>) =>
  `${scope} ${subject} ${grain_ms}`;

/** One statement for all rows of a window: the way to the database costs more than the row. */
async function readBodies(
  trx: Kysely<Database>,
  keys: readonly Key[],
): Promise<Map<string, Uint8Array>> {
  const [first] = keys;
  if (first === undefined) return new Map();
  const rows = await trx
    .selectFrom('telemetry_rollups')
    .select(['scope', 'subject', 'grain_ms', 'body'])
    .where('fleet', '=', first.fleet)
    .where('model', '=', first.model)
    .where('version', '=', first.version)
    .where((e) =>
      e.or(
        keys.map(({ scope, subject, grain_ms, start_ms }) =>
          e.and({ scope, subject, grain_ms, start_ms }),
        ),
      ),
    )
    .execute();
  return new Map(rows.map((row) => [nameOf({ ...row, scope: row.scope as Scope }), row.body]));
}

async function writeMerged(
  trx: Kysely<Database>,
  keys: readonly Key[],
  bodies: ReadonlyMap<string, Uint8Array>,
  window: Window,
): Promise<void> {
  const values = keys.map((key) => {
    const body = bodies.get(nameOf(key));
    const merged = mergeWindows(body === undefined ? emptyWindow() : unpackWindow(body), window);
    const { inferences, errors } = merged;
    return { ...key, inferences, errors, body: packWindow(merged) };
  });
  await trx
    .insertInto('telemetry_rollups')
    .values(values)
    .onConflict((on) =>
      on
        .columns(['fleet', 'scope', 'subject', 'model', 'version', 'grain_ms', 'start_ms'])
        .doUpdateSet((e) => ({
          inferences: e.ref('excluded.inferences'),
          errors: e.ref('excluded.errors'),
          body: e.ref('excluded.body'),
        })),
    )
    .execute();
}

/** Ids end in chance (ULID), so their last characters spread well. */
function shardOf(device: string): number {
  let sum = 0;
  for (const char of device.slice(-4)) sum = (sum * 31 + char.charCodeAt(0)) % 65_521;
  return sum % SHARDS;
}

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

/** A window with the rows that it is added to. */
export interface Addition {
  readonly labels: Labels;
  readonly window: Window;
  readonly rows: readonly RowOf[];
}

/** Rows in one statement. */
const TOGETHER = 100;

/**
 * Adds windows to their rows, each row once for all of them: once in a transaction, for two that
 * read, merge and write beside each other would lose one. A window that is longer than the grain
 * counts where it begins.
 */
export async function addToRollups(
  trx: Kysely<Database>,
  dialect: ServerContext['dialect'],
  additions: readonly Addition[],
): Promise<void> {
  // all that devices of a shard share, in a fixed order: it cannot deadlock
  for (const lock of locksOf(additions)) await dialect.lock(trx, lock);
  const sums = sumsOf(additions);
  for (let i = 0; i < sums.length; i += TOGETHER) {
    const some = sums.slice(i, i + TOGETHER);
    await writeMerged(trx, some, await readBodies(trx, some));
  }
}

const locksOf = (additions: readonly Addition[]): string[] => [
  ...new Set(
    additions.map(({ labels: { fleet, device } }) => `rollups ${fleet}/${shardOf(device)}`).sort(),
  ),
];

type Sum = readonly [key: Key, window: Window];

/** What is added to each row. */
function sumsOf(additions: readonly Addition[]): Sum[] {
  const sums = new Map<string, Sum>();
  for (const { labels, window, rows } of additions) {
    const { fleet, device, deployment, model, version } = labels;
    const shard = String(shardOf(device));
    const subjects: Readonly<Record<Scope, string>> = { device, deployment, fleet: shard };
    for (const [scope, grain_ms] of rows) {
      const start_ms = window.startMs - (window.startMs % grain_ms);
      const key = { fleet, scope, subject: subjects[scope], model, version, grain_ms, start_ms };
      const [, before] = sums.get(nameOf(key)) ?? [];
      sums.set(nameOf(key), [key, before === undefined ? window : mergeWindows(before, window)]);
    }
  }
  return [...sums.values()];
}

const nameOf = (key: Omit<Key, 'scope'> & { readonly scope: string }): string =>
  [key.fleet, key.scope, key.subject, key.model, key.version, key.grain_ms, key.start_ms].join(' ');

/** One statement for many rows: the way to the database costs more than the row. */
async function readBodies(
  trx: Kysely<Database>,
  sums: readonly Sum[],
): Promise<Map<string, Uint8Array>> {
  const rows = await trx
    .selectFrom('telemetry_rollups')
    .select(['fleet', 'scope', 'subject', 'model', 'version', 'grain_ms', 'start_ms', 'body'])
    .where((e) => e.or(sums.map(([key]) => e.and({ ...key }))))
    .execute();
  return new Map(rows.map((row) => [nameOf(row), row.body]));
}

async function writeMerged(
  trx: Kysely<Database>,
  sums: readonly Sum[],
  bodies: ReadonlyMap<string, Uint8Array>,
): Promise<void> {
  const values = sums.map(([key, window]) => {
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

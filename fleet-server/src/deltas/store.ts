import type { Kysely, Selectable } from 'kysely';
import type { Database, DeltasTable } from '../db/schema.ts';

export interface Pair {
  readonly fleet: string;
  readonly from: string;
  readonly to: string;
}

export type DeltaRow = Selectable<DeltasTable>;

export async function readDelta(
  db: Kysely<Database>,
  { fleet, from, to }: Pair,
): Promise<DeltaRow | undefined> {
  return db
    .selectFrom('deltas')
    .selectAll()
    .where('fleet', '=', fleet)
    .where('from_digest', '=', from)
    .where('to_digest', '=', to)
    .executeTakeFirst();
}

export async function writeDelta(
  db: Kysely<Database>,
  { fleet, from, to }: Pair,
  made: Pick<DeltaRow, 'delta' | 'size' | 'reason' | 'used_ms'>,
): Promise<void> {
  await db
    .insertInto('deltas')
    .values({ fleet, from_digest: from, to_digest: to, ...made })
    .onConflict((on) => on.columns(['fleet', 'from_digest', 'to_digest']).doUpdateSet(made))
    .execute();
}

/** Dates the use, for the sake of what is forgotten first; once an hour is enough. */
export async function touchDelta(db: Kysely<Database>, row: DeltaRow, now: number): Promise<void> {
  if (now - row.used_ms < 3_600_000) return;
  await db
    .updateTable('deltas')
    .set({ used_ms: now })
    .where('fleet', '=', row.fleet)
    .where('from_digest', '=', row.from_digest)
    .where('to_digest', '=', row.to_digest)
    .execute();
}

/**
 * Forgets what was last used before a moment.
 *
 * @returns digests of deltas that nothing names any more
 */
export async function forgetDeltas(db: Kysely<Database>, beforeMs: number): Promise<string[]> {
  return db.transaction().execute(async (trx) => {
    const gone = await trx
      .deleteFrom('deltas')
      .where('used_ms', '<', beforeMs)
      .returning('delta')
      .execute();
    const digests = [...new Set(gone.map(({ delta }) => delta))].filter((digest) => digest !== '');
    if (digests.length === 0) return [];
    const named = await trx
      .selectFrom('deltas')
      .select('delta')
      .where('delta', 'in', digests)
      .execute();
    const kept = new Set(named.map(({ delta }) => delta));
    return digests.filter((digest) => !kept.has(digest));
  });
}

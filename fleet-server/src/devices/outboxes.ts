import type { Kysely } from 'kysely';
import type { Database } from '../db/schema.ts';
import type { SeqRange } from './ranges.ts';

/** Which records of an outbox are dealt with. */
export async function readRanges(
  trx: Kysely<Database>,
  fleet: string,
  device: string,
  outbox: string,
): Promise<readonly SeqRange[]> {
  const row = await trx
    .selectFrom('outboxes')
    .select('ranges')
    .where('fleet', '=', fleet)
    .where('device', '=', device)
    .where('outbox', '=', outbox)
    .executeTakeFirst();
  return row === undefined ? [] : (JSON.parse(row.ranges) as SeqRange[]);
}

export async function writeRanges(
  trx: Kysely<Database>,
  fleet: string,
  device: string,
  outbox: string,
  ranges: readonly SeqRange[],
  now: number,
): Promise<void> {
  const row = { ranges: JSON.stringify(ranges), updated_ms: now };
  await trx
    .insertInto('outboxes')
    .values({ fleet, device, outbox, ...row })
    .onConflict((on) => on.columns(['fleet', 'device', 'outbox']).doUpdateSet(row))
    .execute();
}

/** Lets go of all but the newest outboxes of a device, which may make as many as it likes. */
export async function forgetOldOutboxes(
  trx: Kysely<Database>,
  fleet: string,
  device: string,
  keep: number,
): Promise<void> {
  await trx
    .deleteFrom('outboxes')
    .where('fleet', '=', fleet)
    .where('device', '=', device)
    .where('outbox', 'not in', (e) =>
      e
        .selectFrom('outboxes')
        .select('outbox')
        .where('fleet', '=', fleet)
        .where('device', '=', device)
        .orderBy('updated_ms', 'desc')
        .orderBy('outbox')
        .limit(keep),
    )
    .execute();
}

/**
 * The device was heard of just now.
 *
 * @returns false where it is unknown or not (or no longer) accepted
 */
export async function touch(
  trx: Kysely<Database>,
  fleet: string,
  device: string,
  now: number,
): Promise<boolean> {
  const row = await trx
    .updateTable('devices')
    .set({ last_seen_ms: now })
    .where('fleet', '=', fleet)
    .where('device', '=', device)
    .where('status', '=', 'accepted')
    .returning('device')
    .executeTakeFirst();
  return row !== undefined;
}

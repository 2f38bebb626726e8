import { FlotillaError } from '@flotilla/protocol';
import type { Kysely } from 'kysely';
import type { ServerContext } from '../context.ts';
import type { Database } from '../db/schema.ts';
import { chunks } from '../rollouts/store.ts';
import { takeSelector } from '../selectors/check-keys.ts';
import { portions, selectIds } from '../selectors/select.ts';

type Db = Kysely<Database>;

const PORTION = 500;

/** Devices by id, by a selector, or both. */
export interface Chosen {
  readonly selector?: string | undefined;
  readonly devices?: readonly string[] | undefined;
}

interface Key {
  readonly fleet: string;
  readonly name: string;
}

/**
 * Ids of the devices that are named and of those that the selector matches now.
 *
 * @throws FlotillaError `selector.invalid`, `server.not-found`
 */
export async function chooseDevices(
  { db, now }: Pick<ServerContext, 'db' | 'now'>,
  fleet: string,
  { selector, devices = [] }: Chosen,
): Promise<string[]> {
  const known = new Set<string>();
  for await (const rows of portions(db, fleet, ['device'], { among: devices })) {
    for (const { device } of rows) known.add(device);
  }
  const unknown = devices.find((id) => !known.has(id));
  if (unknown !== undefined) {
    throw new FlotillaError('server.not-found', { what: 'device', id: unknown });
  }
  if (selector !== undefined && selector !== '') {
    const matched = await takeSelector(db, fleet, selector);
    for (const id of await selectIds(db, fleet, matched, { now: now() })) known.add(id);
  }
  return [...known];
}

/** @returns how many were not in it yet */
export async function putIn(trx: Db, { fleet, name }: Key, ids: readonly string[]) {
  let added = 0;
  for (const some of chunks(ids, PORTION)) {
    const { numInsertedOrUpdatedRows = 0n } = await trx
      .insertInto('device_group_members')
      .values(some.map((device) => ({ fleet, name, device })))
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirst();
    added += Number(numInsertedOrUpdatedRows);
  }
  return added;
}

/** @returns how many were in it */
export async function takeOut(trx: Db, { fleet, name }: Key, ids: readonly string[]) {
  let removed = 0;
  for (const some of chunks(ids, PORTION)) {
    const { numDeletedRows } = await trx
      .deleteFrom('device_group_members')
      .where('fleet', '=', fleet)
      .where('name', '=', name)
      .where('device', 'in', some)
      .executeTakeFirst();
    removed += Number(numDeletedRows);
  }
  return removed;
}

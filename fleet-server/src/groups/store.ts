import type { Kysely, Selectable } from 'kysely';
import type { Database, DeviceGroupsTable } from '../db/schema.ts';

export type GroupRow = Selectable<DeviceGroupsTable>;

type Db = Kysely<Database>;

const PORTION = 5000;

export async function findGroup(db: Db, fleet: string, name: string) {
  return db
    .selectFrom('device_groups')
    .selectAll()
    .where('fleet', '=', fleet)
    .where('name', '=', name)
    .executeTakeFirst();
}

export async function listGroups(db: Db, fleet: string): Promise<GroupRow[]> {
  return db
    .selectFrom('device_groups')
    .selectAll()
    .where('fleet', '=', fleet)
    .orderBy('name')
    .execute();
}

/** How many devices are in each static group that has any. */
export async function countMembers(db: Db, fleet: string): Promise<Map<string, number>> {
  const rows = await db
    .selectFrom('device_group_members')
    .select((e) => ['name', e.fn.countAll<number>().as('devices')])
    .where('fleet', '=', fleet)
    .groupBy('name')
    .execute();
  return new Map(rows.map(({ name, devices }) => [name, Number(devices)]));
}

/**
 * Devices that were put into a static group.
 *
 * @param among only these are looked for, a few hundred at most
 */
export async function readMembers(
  db: Db,
  fleet: string,
  name: string,
  among?: readonly string[],
): Promise<Set<string>> {
  const members = new Set<string>();
  for (let after = ''; ; ) {
    let query = db
      .selectFrom('device_group_members')
      .select('device')
      .where('fleet', '=', fleet)
      .where('name', '=', name)
      .where('device', '>', after)
      .orderBy('device')
      .limit(PORTION);
    if (among !== undefined) query = query.where('device', 'in', [...among]);
    const rows = await query.execute();
    for (const { device } of rows) members.add(device);
    if (rows.length < PORTION) return members;
    after = rows.at(-1)?.device ?? '';
  }
}

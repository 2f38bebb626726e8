import { FlotillaError } from '@flotilla/protocol';
import type { Kysely } from 'kysely';
import type { ServerContext } from '../context.ts';
import type { Database, DeviceGroupsTable } from '../db/schema.ts';
import { takeSelector } from '../selectors/check-keys.ts';
import { audit } from '../trust/audit.ts';
import { type Chosen, chooseDevices, putIn, takeOut } from './members.ts';
import { findGroup, type GroupRow, listGroups } from './store.ts';
import { lockGroups, whoUses } from './uses.ts';

type Parts = Pick<ServerContext, 'db' | 'dialect' | 'now'>;
type Db = Kysely<Database>;

/** Selectors are read with every group that they name: a fleet has this many at most. */
const MAX_GROUPS = 1000;

/** A group of a fleet, and who changes it. */
export interface GroupKey {
  readonly fleet: string;
  readonly name: string;
  readonly actor: string;
}

export interface NewGroup extends Chosen {
  readonly kind: DeviceGroupsTable['kind'];
}

/** @throws FlotillaError `server.not-found` */
export async function readGroup(db: Db, fleet: string, name: string): Promise<GroupRow> {
  const row = await findGroup(db, fleet, name);
  if (row === undefined) throw new FlotillaError('server.not-found', { what: 'group', id: name });
  return row;
}

/**
 * Makes a static group of the devices that are named or that the selector matches now, or a dynamic
 * one that holds whatever its selector matches when it is used.
 *
 * @throws FlotillaError `group.exists`, `group.invalid`, `selector.invalid`, `server.not-found`
 */
export async function createGroup(parts: Parts, key: GroupKey, group: NewGroup): Promise<void> {
  const { fleet, name, actor } = key;
  const { kind, selector = '', devices = [] } = group;
  if (kind === 'dynamic' && (selector === '' || devices.length > 0)) {
    refuse(name, 'a dynamic group takes a selector and no list of devices');
  }
  const ids = kind === 'static' ? await chooseDevices(parts, fleet, group) : [];
  await change(parts, key, 'group.create', async (trx) => {
    const groups = await listGroups(trx, fleet);
    if (groups.some((one) => one.name === name)) {
      throw new FlotillaError('group.exists', { group: name });
    }
    if (groups.length >= MAX_GROUPS) refuse(name, `a fleet has ${MAX_GROUPS} groups at most`);
    if (kind === 'dynamic') await takeSelector(trx, fleet, selector);
    await trx
      .insertInto('device_groups')
      .values({
        ...{ fleet, name, kind, selector: kind === 'dynamic' ? selector : '' },
        ...{ created_by: actor, created_ms: parts.now() },
      })
      .execute();
    await putIn(trx, key, ids);
    return { kind, selector, devices: ids.length };
  });
}

/**
 * Gives a dynamic group another selector.
 *
 * @throws FlotillaError `group.invalid`, `selector.invalid`, `server.not-found`
 */
export async function changeGroup(parts: Parts, key: GroupKey, selector: string): Promise<void> {
  const { fleet, name } = key;
  await change(parts, key, 'group.change', async (trx) => {
    const { kind } = await readGroup(trx, fleet, name);
    if (kind === 'static') refuse(name, 'it is static: add and remove devices instead');
    await takeSelector(trx, fleet, selector, { group: name });
    await trx
      .updateTable('device_groups')
      .set({ selector })
      .where('fleet', '=', fleet)
      .where('name', '=', name)
      .execute();
    return { selector };
  });
}

/**
 * Puts devices into a static group, or takes them out.
 *
 * @returns how many were put in or taken out: those that were not there yet, or were
 * @throws FlotillaError `group.invalid`, `selector.invalid`, `server.not-found`
 */
export async function changeMembers(
  parts: Parts,
  key: GroupKey,
  how: 'add' | 'remove',
  chosen: Chosen,
): Promise<number> {
  const { fleet, name } = key;
  if (chosen.selector === undefined && chosen.devices === undefined) {
    refuse(name, 'no devices were named: give their ids or a selector');
  }
  const ids = await chooseDevices(parts, fleet, chosen);
  let changed = 0;
  await change(parts, key, `group.${how}`, async (trx) => {
    const { kind } = await readGroup(trx, fleet, name);
    if (kind === 'dynamic') refuse(name, 'it is dynamic: its selector says what is in it');
    changed = await (how === 'add' ? putIn : takeOut)(trx, key, ids);
    return { devices: changed };
  });
  return changed;
}

/** @throws FlotillaError `group.in-use`, `server.not-found` */
export async function deleteGroup(parts: Parts, key: GroupKey): Promise<void> {
  const { fleet, name } = key;
  await change(parts, key, 'group.delete', async (trx) => {
    const { kind } = await readGroup(trx, fleet, name);
    const by = await whoUses(trx, fleet, name);
    if (by !== undefined) throw new FlotillaError('group.in-use', { group: name, by });
    for (const table of ['device_group_members', 'device_groups'] as const) {
      await trx.deleteFrom(table).where('fleet', '=', fleet).where('name', '=', name).execute();
    }
    return { kind };
  });
}

/** One change at a time, so that no two make a circle of groups together; each is written down. */
async function change(
  { db, dialect, now }: Parts,
  { fleet, name, actor }: GroupKey,
  action: string,
  act: (trx: Db) => Promise<Readonly<Record<string, unknown>>>,
): Promise<void> {
  await db.transaction().execute(async (trx) => {
    await lockGroups(dialect, trx, fleet);
    const detail = await act(trx);
    await audit({ dialect, now }, trx, { fleet, actor, action, subject: name, detail });
  });
}

function refuse(group: string, reason: string): never {
  throw new FlotillaError('group.invalid', { group, reason });
}

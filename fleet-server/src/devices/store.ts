import { FlotillaError, isDigest } from '@flotilla/protocol';
import type { Kysely, Selectable } from 'kysely';
import type { ServerContext } from '../context.ts';
import type { Database, DevicesTable } from '../db/schema.ts';
import { takeSelector } from '../selectors/check-keys.ts';
import { selectDevices } from '../selectors/select.ts';
import { audit } from '../trust/audit.ts';

export type DeviceRow = Selectable<DevicesTable>;

/** @throws FlotillaError `server.not-found` */
export async function readDevice(
  db: Kysely<Database>,
  fleet: string,
  device: string,
): Promise<DeviceRow> {
  const row = await db
    .selectFrom('devices')
    .selectAll()
    .where('fleet', '=', fleet)
    .where('device', '=', device)
    .executeTakeFirst();
  if (row === undefined)
    throw new FlotillaError('server.not-found', { what: 'device', id: device });
  return row;
}

/**
 * Devices of a fleet by id, those after `after`.
 *
 * @param selector only those that it matches
 * @throws FlotillaError `selector.invalid`
 */
export async function listDevices(
  { db, now }: Pick<ServerContext, 'db' | 'now'>,
  fleet: string,
  page: { readonly after: string; readonly limit: number },
  selector = 'all',
): Promise<DeviceRow[]> {
  const query = db.selectFrom('devices').selectAll().where('fleet', '=', fleet).orderBy('device');
  if (selector === 'all') {
    return query.where('device', '>', page.after).limit(page.limit).execute();
  }
  const ids: string[] = [];
  const taken = await takeSelector(db, fleet, selector);
  const scan = { now: now(), after: page.after, columns: [] };
  for await (const rows of selectDevices(db, fleet, taken, scan)) {
    for (const { device } of rows) ids.push(device);
    if (ids.length >= page.limit) break;
  }
  if (ids.length === 0) return [];
  return query.where('device', 'in', ids.slice(0, page.limit)).execute();
}

/** What a person may change of a device. */
export interface DeviceEdit {
  readonly name?: string;
  readonly tags?: Readonly<Record<string, string>>;
  /** Hardware class, whatever the device reports; empty: as it reports. */
  readonly target?: string;
  readonly status?: 'accepted' | 'revoked';
}

/**
 * @param expected entity tag that the person last saw; undefined: change it whatever it is now
 * @throws FlotillaError `server.not-found`, `request.precondition`
 */
export async function editDevice(
  parts: Pick<ServerContext, 'db' | 'dialect' | 'now' | 'changes'>,
  actor: string,
  device: {
    readonly fleet: string;
    readonly device: string;
    readonly expected: number | undefined;
  },
  edit: DeviceEdit,
): Promise<DeviceRow> {
  const { fleet, device: id, expected } = device;
  const row = await parts.db.transaction().execute(async (trx) => {
    const { edits } = await readDevice(trx, fleet, id);
    const changed = await trx
      .updateTable('devices')
      .set(columnsOf(edit))
      .set((e) => ({ edits: e('edits', '+', 1) }))
      .where('fleet', '=', fleet)
      .where('device', '=', id)
      .where('edits', '=', expected ?? edits)
      .returningAll()
      .executeTakeFirst();
    if (changed === undefined) {
      const current = `"${edits}"`;
      throw new FlotillaError('request.precondition', { what: `device ${id}`, current });
    }
    const detail = { ...edit };
    await audit(parts, trx, { fleet, actor, action: 'device.edit', subject: id, detail });
    return changed;
  });
  parts.changes.emit({ topic: 'device', fleet, id });
  return row;
}

function columnsOf({ name, tags, target, status }: DeviceEdit): Partial<DeviceRow> {
  return {
    ...(name === undefined ? {} : { name }),
    ...(tags === undefined ? {} : { tags: JSON.stringify(tags) }),
    ...(target === undefined || target === '' ? {} : { target }),
    ...(target === undefined ? {} : { target_fixed: target === '' ? (0 as const) : (1 as const) }),
    ...(status === undefined ? {} : { status }),
    ...(status === 'revoked' ? { online: 0 as const } : {}),
  };
}

/** Digests that a device named, without what is not one: what devices say is never trusted. */
export function reportedDigests(digests: readonly string[]): string[] {
  return digests.filter(isDigest).slice(0, 256);
}

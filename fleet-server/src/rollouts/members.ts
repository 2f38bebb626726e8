import type { Kysely, Selectable, Updateable } from 'kysely';
import type { Database, SlotsTable } from '../db/schema.ts';
import type { RolloutMembersTable } from '../db/schema-telemetry.ts';
import type { MemberRow, Rollout } from './store.ts';
import type { BackState, MemberState } from './types.ts';

export type MemberChange = Omit<Updateable<RolloutMembersTable>, 'state' | 'back_state'> & {
  readonly state?: MemberState;
  readonly back_state?: BackState;
};

type Target = Pick<Rollout, 'fleet' | 'id'>;

/** In the order of the waves; devices that take no part come first. */
export async function readMembers(db: Kysely<Database>, rollout: Target): Promise<MemberRow[]> {
  const rows: MemberRow[] = [];
  for await (const page of pagesOf(db, rollout)) rows.push(...page);
  return rows;
}

/** So many rows at once leave the event loop free for others between two queries. */
const PAGE = 500;

/** All members that were asked to take the version, in the order of the waves, page by page. */
export async function readAsked(db: Kysely<Database>, rollout: Target): Promise<MemberRow[]> {
  const rows: MemberRow[] = [];
  for await (const page of pagesOf(db, rollout)) {
    rows.push(...page.filter(({ deployment }) => deployment !== ''));
    const last = page.at(-1);
    if (last !== undefined && last.state === 'pending') break;
  }
  return rows;
}

/** What a person calls a device of a fleet: its name, or its id where it has none. */
export async function readName(
  db: Kysely<Database>,
  { fleet, device }: Pick<MemberRow, 'fleet' | 'device'>,
): Promise<string> {
  const row = await db
    .selectFrom('devices')
    .select('name')
    .where('fleet', '=', fleet)
    .where('device', '=', device)
    .executeTakeFirst();
  return row?.name || device;
}

async function* pagesOf(db: Kysely<Database>, rollout: Target): AsyncGenerator<MemberRow[]> {
  let after: Place | undefined;
  for (;;) {
    const page = await readPage(db, rollout, { limit: PAGE, after });
    yield page;
    after = page.at(-1);
    if (after === undefined || page.length < PAGE) return;
  }
}

type Place = Pick<MemberRow, 'position' | 'device'>;

export interface MemberPage {
  readonly limit: number;
  /** The one to continue after. */
  readonly after?: Place | undefined;
  readonly state?: MemberState | undefined;
  /** First position, and the first that is too far. */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
}

/** Members in the order of the waves. */
export async function readPage(
  db: Kysely<Database>,
  { fleet, id }: Target,
  { limit, after, state, from, to }: MemberPage,
): Promise<MemberRow[]> {
  let query = db
    .selectFrom('rollout_members')
    .selectAll()
    .where('fleet', '=', fleet)
    .where('rollout', '=', id);
  if (state !== undefined) query = query.where('state', '=', state);
  if (from !== undefined) query = query.where('position', '>=', from);
  if (to !== undefined) query = query.where('position', '<', to);
  if (after !== undefined) {
    query = query.where((e) =>
      e(e.refTuple('position', 'device'), '>', e.tuple(after.position, after.device)),
    );
  }
  const rows = await query.orderBy('position').orderBy('device').limit(limit).execute();
  return rows as MemberRow[];
}

/** Members by device, in the order of the waves; at most a few hundred at once. */
export async function readMembersOf(
  trx: Kysely<Database>,
  { fleet, id }: Target,
  devices: readonly string[],
): Promise<MemberRow[]> {
  const rows = await trx
    .selectFrom('rollout_members')
    .selectAll()
    .where('fleet', '=', fleet)
    .where('rollout', '=', id)
    .where('device', 'in', [...devices])
    .orderBy('position')
    .execute();
  return rows as MemberRow[];
}

/**
 * Changes a member. A new `state` is only written over the one that was read, and so is a new
 * `back_state`: reports and actions come at the same time where the database lets them.
 *
 * @returns false where it had changed in between and nothing was written
 */
export async function setMember(
  trx: Kysely<Database>,
  member: Pick<MemberRow, 'fleet' | 'rollout' | 'device' | 'state' | 'back_state'>,
  change: MemberChange,
): Promise<boolean> {
  let update = trx
    .updateTable('rollout_members')
    .set(change)
    .where('fleet', '=', member.fleet)
    .where('rollout', '=', member.rollout)
    .where('device', '=', member.device);
  if (change.state !== undefined) update = update.where('state', '=', member.state);
  if (change.back_state !== undefined) update = update.where('back_state', '=', member.back_state);
  const { numUpdatedRows } = await update.executeTakeFirst();
  return numUpdatedRows > 0n;
}

export const isDue = ({ due_ms }: Pick<MemberRow, 'due_ms'>, now: number): boolean =>
  due_ms > 0 && now >= due_ms;

export async function readSlot(
  trx: Kysely<Database>,
  fleet: string,
  device: string,
  slot: string,
): Promise<Selectable<SlotsTable> | undefined> {
  return trx
    .selectFrom('slots')
    .selectAll()
    .where('fleet', '=', fleet)
    .where('device', '=', device)
    .where('slot', '=', slot)
    .executeTakeFirst();
}

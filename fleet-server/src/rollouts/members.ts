import type { Kysely, Updateable } from 'kysely';
import type { Database } from '../db/schema.ts';
import type { RolloutMembersTable } from '../db/schema-telemetry.ts';
import type { MemberRow, Rollout } from './store.ts';
import type { BackState, MemberState } from './types.ts';

export type MemberChange = Omit<Updateable<RolloutMembersTable>, 'state' | 'back_state'> & {
  readonly state?: MemberState;
  readonly back_state?: BackState;
};

/** Members by device, in the order of the waves; at most a few hundred at once. */
export async function readMembersOf(
  trx: Kysely<Database>,
  { fleet, id }: Pick<Rollout, 'fleet' | 'id'>,
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

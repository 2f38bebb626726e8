import type { Active, Sync } from '@flotilla/protocol';
import type { Kysely } from 'kysely';
import type { Database } from '../db/schema.ts';
import type { Ingested, RecordSource } from '../devices/ingest-port.ts';
import { setMember } from './members.ts';
import { ENDED_STATES, type MemberRow, type Rollout } from './store.ts';

type Trx = Kysely<Database>;

/**
 * Whether a device, whose slot was just ordered empty, has nothing to remove and will not report a
 * removal: what failed there never ran, and what was never taken up is not taken up any more.
 */
export async function runsNothing(
  trx: Trx,
  { fleet, slot }: Pick<Rollout, 'fleet' | 'slot'>,
  { device, state, started }: MemberRow,
): Promise<boolean> {
  if (state === 'failed' || state === 'rolled-back') return true;
  if (state === 'committed' || started === 1) return false;
  const row = await trx
    .selectFrom('devices')
    .select('active')
    .where('fleet', '=', fleet)
    .where('device', '=', device)
    .executeTakeFirst();
  const running = JSON.parse(row?.active ?? '[]') as Partial<Active>[];
  return running.every((one) => one.slot !== slot);
}

/** What a device says that it runs, when it connects, against what rollouts take it to run. */
export async function ingestRunning(
  trx: Trx,
  { fleet, device, receivedMs }: RecordSource,
  { active }: Pick<Sync, 'active'>,
  touch: (rollout: string) => void,
): Promise<Ingested> {
  const members = await trx
    .selectFrom('rollout_members as m')
    .innerJoin('rollouts as r', (join) =>
      join.onRef('r.fleet', '=', 'm.fleet').onRef('r.rollout', '=', 'm.rollout'),
    )
    .selectAll('m')
    .select('r.slot')
    .where('m.fleet', '=', fleet)
    .where('m.device', '=', device)
    .where('m.deployment', '!=', '')
    .where('r.state', 'not in', [...ENDED_STATES])
    .execute();
  const changed: string[] = [];
  for (const { slot, ...row } of members) {
    const member = row as MemberRow;
    const emptied =
      member.back === '' && member.back_state === 'sent' && member.state !== 'committed';
    if (!emptied || member.started === 1 || active.some((one) => one.slot === slot)) continue;
    await setMember(trx, member, { back_state: 'committed', back_ended_ms: receivedMs });
    changed.push(member.rollout);
  }
  return { stored: true, after: () => changed.forEach(touch) };
}

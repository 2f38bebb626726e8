import type { Kysely } from 'kysely';
import { allBeside } from '../beside.ts';
import type { Database } from '../db/schema.ts';
import {
  findDeployment,
  retryDeployment,
  rollBackDeployment,
  withdrawShadow,
} from '../devices/deployments.ts';
import { spendRate } from './execute-rollout.ts';
import { isDue, readMembersOf, readSlot, setMember } from './members.ts';
import { roomBack } from './pace/room.ts';
import { runsNothing } from './running.ts';
import type { MemberRow, Rollout } from './store.ts';
import type { ActionOf } from './types.ts';

type Trx = Kysely<Database>;

/** Takes devices back to what they ran before, as far as the rate leaves room for them. */
export async function rollBack(
  trx: Trx,
  rollout: Rollout,
  { devices }: ActionOf<'rollBack'>,
  now: number,
): Promise<string[]> {
  const members = (await readMembersOf(trx, rollout, devices)).filter(
    ({ back_state, deployment }) => back_state === 'none' && deployment !== '',
  );
  const changed = await allBeside(await withinRoom(trx, rollout, members, now), async (member) =>
    (await bringBack(trx, rollout, member, now)) ? [member.device] : [],
  );
  return changed.flat();
}

/** @returns false where the slot belongs to something else by now */
async function bringBack(
  trx: Trx,
  rollout: Rollout,
  member: MemberRow,
  now: number,
): Promise<boolean> {
  if (rollout.kind === 'shadow') return dropShadow(trx, rollout, member);
  const row = await findDeployment(trx, rollout.fleet, member.deployment);
  const slot = await readSlot(trx, rollout.fleet, member.device, rollout.slot);
  if (row === undefined || slot?.active !== member.deployment) {
    await setMember(trx, member, { back_state: 'withdrawn', due_ms: 0 });
    return false;
  }
  const back = await rollBackDeployment(trx, row, `rolls back: ${rollout.sentence}`, now);
  const untouched = back === undefined && (await runsNothing(trx, rollout, member));
  const state = untouched
    ? { back_state: 'committed' as const, back_ended_ms: now }
    : { back_state: 'sent' as const };
  await setMember(trx, member, { ...state, back: back ?? '', back_attempt: 1, due_ms: 0 });
  return true;
}

/** What is active there was never changed. */
async function dropShadow(trx: Trx, { slot }: Rollout, member: MemberRow): Promise<boolean> {
  const { fleet, device, deployment } = member;
  await setMember(trx, member, { back_state: 'withdrawn', due_ms: 0 });
  return withdrawShadow(trx, { fleet, device, slot, deployment });
}

export async function retryBack(
  trx: Trx,
  rollout: Rollout,
  { devices }: ActionOf<'retryBack'>,
  now: number,
): Promise<string[]> {
  const due = (await readMembersOf(trx, rollout, devices)).filter(
    (member) => member.back_state === 'failed' && isDue(member, now),
  );
  const members = await withinRoom(trx, rollout, due, now);
  for (const member of members) {
    await retryDeployment(trx, rollout.fleet, member.back, now);
    const back_attempt = member.back_attempt + 1;
    await setMember(trx, member, { back_state: 'sent', back_attempt, due_ms: 0 });
  }
  return members.map(({ device }) => device);
}

async function withinRoom(trx: Trx, rollout: Rollout, members: readonly MemberRow[], now: number) {
  const { rollBackPerMinute } = rollout.settings;
  if (rollBackPerMinute === undefined) return members;
  const { rateMs } = rollout;
  const some = members.slice(0, roomBack({ rollBackPerMinute, rateMs }, now));
  const rate = { perMinute: rollBackPerMinute };
  await spendRate(trx, rollout, rate, { committed: 0 }, some.length, now);
  return some;
}

import type { Kysely } from 'kysely';
import type { ServerContext } from '../context.ts';
import type { Database } from '../db/schema.ts';
import {
  assignDeployment,
  findDeployment,
  retryDeployment,
  rollBackDeployment,
} from '../devices/deployments.ts';
import { readBefore } from './before.ts';
import { finish, halt, openWave } from './execute-rollout.ts';
import { fallBack } from './ladder.ts';
import { readMembersOf, setMember } from './members.ts';
import { orderFor } from './order.ts';
import { retryMs } from './retry.ts';
import { runsNothing } from './running.ts';
import { addEvent, type MemberRow, type Rollout, readRollout } from './store.ts';
import type { Action, ActionKind, ActionOf, MemberState, RolloutState } from './types.ts';

type Trx = Kysely<Database>;

/** @returns the devices whose desired state changed */
export type Executor<K extends ActionKind> = (
  trx: Trx,
  rollout: Rollout,
  action: ActionOf<K>,
  now: number,
) => Promise<readonly string[]>;

const EXECUTORS: { readonly [K in ActionKind]: Executor<K> } = {
  openWave,
  deploy,
  retry,
  expire,
  halt,
  rollBack,
  retryBack,
  finish,
};

/** States in which an action still makes sense: a person or another server may have been faster. */
const VALID_IN: Readonly<Record<ActionKind, readonly RolloutState[]>> = {
  openWave: ['running'],
  deploy: ['running'],
  retry: ['running'],
  expire: ['running', 'paused'],
  halt: ['running', 'paused'],
  rollBack: ['halted'],
  retryBack: ['halted'],
  finish: ['running', 'halted'],
};

/**
 * Executes one action in one transaction. What no longer holds by then is left out, so an action
 * that comes twice, or late, does nothing.
 *
 * @returns the devices whose desired state is to be published after it
 */
export async function executeAction(
  { db, dialect }: Pick<ServerContext, 'db' | 'dialect'>,
  { fleet, id }: Pick<Rollout, 'fleet' | 'id'>,
  action: Action,
  now: number,
): Promise<readonly string[]> {
  return db.transaction().execute(async (trx) => {
    await dialect.lock(trx, `rollout ${fleet}/${id}`);
    const rollout = await readRollout(trx, fleet, id);
    if (!VALID_IN[action.kind].includes(rollout.state)) return [];
    const execute = EXECUTORS[action.kind] as Executor<typeof action.kind>;
    return execute(trx, rollout, action as never, now);
  });
}

async function deploy(trx: Trx, rollout: Rollout, { devices }: ActionOf<'deploy'>, now: number) {
  const { fleet, slot, settings } = rollout;
  const size = rollout.sizes[rollout.wave] ?? 0;
  const members = (await readMembersOf(trx, rollout, devices)).filter(
    ({ state, position }) => state === 'pending' && position >= 0 && position < size,
  );
  const before = await readBefore(
    trx,
    rollout,
    members.map(({ device }) => device),
  );
  for (const member of members) {
    const { device } = member;
    await withdrawBack(trx, fleet, device, slot);
    const deployment = await assignDeployment(trx, orderFor(rollout, member), now);
    const base = await readBase(trx, fleet, device, slot);
    await setMember(trx, member, {
      state: 'sent',
      deployment,
      attempt: 1,
      sent_ms: now,
      due_ms: now + settings.deadlineMs,
      base_digest: base?.digest ?? '',
      base_version: base?.version ?? 0,
      ...before.get(device),
    });
  }
  return members.map(({ device }) => device);
}

/** The slot goes to a new rollout: an earlier one no longer waits for the way back it had ordered. */
async function withdrawBack(trx: Trx, fleet: string, device: string, slot: string): Promise<void> {
  const row = await readSlot(trx, fleet, device, slot);
  if (row === undefined) return;
  await trx
    .updateTable('rollout_members')
    .set({ back_state: 'withdrawn', due_ms: 0 })
    .where('fleet', '=', fleet)
    .where('device', '=', device)
    .where('back', '=', row.active)
    .where('back_state', 'in', ['sent', 'in-progress', 'failed'])
    .execute();
}

async function readSlot(trx: Trx, fleet: string, device: string, slot: string) {
  return trx
    .selectFrom('slots')
    .selectAll()
    .where('fleet', '=', fleet)
    .where('device', '=', device)
    .where('slot', '=', slot)
    .executeTakeFirst();
}

async function readBase(trx: Trx, fleet: string, device: string, slot: string) {
  const row = await readSlot(trx, fleet, device, slot);
  return findDeployment(trx, fleet, row?.previous ?? '');
}

async function retry(trx: Trx, rollout: Rollout, { devices }: ActionOf<'retry'>, now: number) {
  const members = (await readMembersOf(trx, rollout, devices)).filter(
    (member) => member.state === 'failed' && isDue(member, now),
  );
  for (const member of members) {
    const sameAgain = retryMs(rollout.settings, member, now) > 0;
    if (!sameAgain && (await fallBack(trx, rollout, member, now))) continue;
    await retryDeployment(trx, rollout.fleet, member.deployment, now);
    const attempt = member.attempt + 1;
    await setMember(trx, member, {
      state: 'sent',
      attempt,
      started: 0,
      retryable: 0,
      sent_ms: now,
      ended_ms: 0,
      due_ms: now + rollout.settings.deadlineMs,
    });
    const why = member.code === '' ? '' : ` after ${member.code}`;
    await addEvent(trx, rollout, 'retry', `attempt ${attempt} on ${member.device}${why}`, now);
  }
  return members.map(({ device }) => device);
}

const isDue = ({ due_ms }: MemberRow, now: number): boolean => due_ms > 0 && now >= due_ms;

const IN_FLIGHT: readonly MemberState[] = ['sent', 'in-progress'];

async function expire(trx: Trx, rollout: Rollout, { devices }: ActionOf<'expire'>, now: number) {
  const { deadlineMs } = rollout.settings;
  const late = (await readMembersOf(trx, rollout, devices)).filter(
    (member) => IN_FLIGHT.includes(member.state) && isDue(member, now),
  );
  for (const member of late) {
    const detail =
      member.started === 1
        ? `took it up and has not ended it within ${deadlineMs} ms`
        : `has not answered within ${deadlineMs} ms`;
    await setMember(trx, member, { state: 'expired', ended_ms: now, due_ms: 0, detail });
  }
  return [];
}

async function rollBack(
  trx: Trx,
  rollout: Rollout,
  { devices }: ActionOf<'rollBack'>,
  now: number,
) {
  const members = (await readMembersOf(trx, rollout, devices)).filter(
    ({ back_state, deployment }) => back_state === 'none' && deployment !== '',
  );
  const changed: string[] = [];
  for (const member of members) {
    const row = await findDeployment(trx, rollout.fleet, member.deployment);
    const slot = await readSlot(trx, rollout.fleet, member.device, rollout.slot);
    if (row === undefined || slot?.active !== member.deployment) {
      await setMember(trx, member, { back_state: 'withdrawn', due_ms: 0 });
      continue;
    }
    const back = await rollBackDeployment(trx, row, `rolls back: ${rollout.sentence}`, now);
    const untouched = back === undefined && (await runsNothing(trx, rollout, member));
    const state = untouched
      ? { back_state: 'committed' as const, back_ended_ms: now }
      : { back_state: 'sent' as const };
    await setMember(trx, member, { ...state, back: back ?? '', back_attempt: 1, due_ms: 0 });
    changed.push(member.device);
  }
  return changed;
}

async function retryBack(
  trx: Trx,
  rollout: Rollout,
  { devices }: ActionOf<'retryBack'>,
  now: number,
) {
  const members = (await readMembersOf(trx, rollout, devices)).filter(
    (member) => member.back_state === 'failed' && isDue(member, now),
  );
  for (const member of members) {
    await retryDeployment(trx, rollout.fleet, member.back, now);
    const back_attempt = member.back_attempt + 1;
    await setMember(trx, member, { back_state: 'sent', back_attempt, due_ms: 0 });
  }
  return members.map(({ device }) => device);
}

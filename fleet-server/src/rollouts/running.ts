import { type Active, AGENT_SLOT, FlotillaError, type Sync } from '@flotilla/protocol';
import type { Kysely } from 'kysely';
import type { Database } from '../db/schema.ts';
import type { Ingested, RecordSource } from '../devices/ingest-port.ts';
import { type MemberChange, setMember } from './members.ts';
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

/**
 * What a device says that it runs, when it connects, against what rollouts take it to run. One that
 * reported success and runs something else has failed, until it says that it runs the bundle.
 */
export async function ingestRunning(
  trx: Trx,
  { fleet, device, receivedMs }: RecordSource,
  sync: Said,
  touch: (rollout: string) => void,
): Promise<Ingested> {
  const members = await trx
    .selectFrom('rollout_members as m')
    .innerJoin('rollouts as r', (join) =>
      join.onRef('r.fleet', '=', 'm.fleet').onRef('r.rollout', '=', 'm.rollout'),
    )
    .leftJoin('slots as s', (join) =>
      join
        .onRef('s.fleet', '=', 'm.fleet')
        .onRef('s.device', '=', 'm.device')
        .onRef('s.slot', '=', 'r.slot'),
    )
    .selectAll('m')
    .select(['r.slot', 's.active'])
    .where('m.fleet', '=', fleet)
    .where('m.device', '=', device)
    .where('m.deployment', '!=', '')
    .where('r.state', 'not in', [...ENDED_STATES])
    .execute();
  const changed: string[] = [];
  for (const { slot, active, ...row } of members) {
    const member = row as MemberRow;
    const serves = active === member.deployment && slot !== AGENT_SLOT;
    const change = changeBy(member, { slot, serves }, sync, receivedMs);
    if (change === undefined) continue;
    await setMember(trx, member, change);
    changed.push(member.rollout);
  }
  return { stored: true, after: () => changed.forEach(touch) };
}

/** What of a sync says what runs. */
type Said = Pick<Sync, 'active' | 'outcomes'>;

/** A sync on its way for longer than that is not one. */
const ON_ITS_WAY_MS = 60_000;

function changeBy(
  member: MemberRow,
  { slot, serves }: { readonly slot: string; readonly serves: boolean },
  said: Said,
  now: number,
): MemberChange | undefined {
  const running = said.active.find((one) => one.slot === slot);
  if (member.back_state === 'sent' && member.back === '') {
    const untouched = member.state !== 'committed' && member.started === 0;
    return untouched && running === undefined
      ? { back_state: 'committed', back_ended_ms: now }
      : undefined;
  }
  if (member.back_state !== 'none' || !serves) return undefined;
  const runsIt = running?.digest === member.digest;
  if (member.state === 'failed' && member.code === NOT_RUNNING && runsIt) {
    return { state: 'committed', code: '', detail: '' };
  }
  if (member.state !== 'committed' || runsIt || !saysAfterCommit(member, said, now)) {
    return undefined;
  }
  const runs = running === undefined ? 'nothing' : running.digest.slice(0, 80) || 'something else';
  const { code, message } = new FlotillaError(NOT_RUNNING, { slot: slot.slice(0, 63), runs });
  // the soak is not begun anew: a device that says now this, now that would hold the wave up for ever
  return { state: 'failed', code, detail: message, due_ms: 0, retryable: 0 };
}

const NOT_RUNNING = 'deployment.not-running';

/** Messages may come out of order: what a device said before its commit accuses nobody. */
function saysAfterCommit(member: MemberRow, { outcomes }: Said, now: number): boolean {
  const same = outcomes.find(
    ({ deployment, attempt }) => deployment === member.deployment && attempt === member.attempt,
  );
  if (same !== undefined) return same.result === 'RESULT_COMMITTED';
  return now > member.ended_ms + ON_ITS_WAY_MS;
}

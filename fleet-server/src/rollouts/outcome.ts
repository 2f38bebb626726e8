import { ERRORS, type Outcome } from '@flotilla/protocol';
import type { Kysely, Selectable } from 'kysely';
import type { Database, DeploymentResult, DeploymentsTable } from '../db/schema.ts';
import type { Ingested, RecordSource } from '../devices/ingest-port.ts';
import { type MemberChange, readMembersOf, setMember } from './members.ts';
import type { MemberRow } from './store.ts';
import type { BackState, MemberState } from './types.ts';

/**
 * What a rollout does with a device's report on a deployment: writes it into the device's row. The
 * deployment's row holds the outcome already, and passed attempts never come here.
 *
 * @param touch told after the commit which rollout to plan again
 */
export async function ingestOutcome(
  trx: Kysely<Database>,
  { fleet, receivedMs }: RecordSource,
  outcome: Outcome,
  deployment: Selectable<DeploymentsTable>,
  touch: (rollout: string) => void,
): Promise<Ingested> {
  const { rollout, device } = deployment;
  if (rollout === '') return { stored: true };
  for (let turn = 0; turn < MAX_TURNS; turn++) {
    const [member] = await readMembersOf(trx, { fleet, id: rollout }, [device]);
    if (member === undefined) return { stored: true };
    const change = changeOf(member, deployment, outcome, receivedMs);
    if (change === undefined) return { stored: true };
    if (await setMember(trx, member, change)) break;
  }
  return { stored: true, after: () => touch(rollout) };
}

/** Only a deadline that passes at this very moment makes a second turn necessary. */
const MAX_TURNS = 3;

/** Undefined where the report says nothing new of this member. Pure. */
function changeOf(
  member: MemberRow,
  deployment: Selectable<DeploymentsTable>,
  outcome: Outcome,
  now: number,
): MemberChange | undefined {
  if (deployment.deployment === member.deployment) {
    return (
      emptiedChange(member, deployment, now) ?? forwardChange(member, deployment, outcome, now)
    );
  }
  return deployment.deployment === member.back ? backChange(member, deployment, now) : undefined;
}

/** Where there was nothing before, the way back ends with the removal of what was rolled out. */
function emptiedChange(
  member: MemberRow,
  { result }: Selectable<DeploymentsTable>,
  now: number,
): MemberChange | undefined {
  const emptying = member.back === '' && member.back_state === 'sent';
  if (result !== 'removed' || !emptying) return undefined;
  return { back_state: 'committed', back_ended_ms: now };
}

const WAITED_FOR: readonly MemberState[] = ['sent', 'in-progress', 'expired'];

function forwardChange(
  member: MemberRow,
  { result, attempt, step, code, detail }: Selectable<DeploymentsTable>,
  outcome: Outcome,
  now: number,
): MemberChange | undefined {
  if (!WAITED_FOR.includes(member.state) || attempt !== member.attempt) return undefined;
  const said: MemberChange = {
    started: 1,
    step,
    code,
    detail,
    bytes_done: safeCount(outcome.bytesDone),
    bytes_total: safeCount(outcome.bytesTotal),
  };
  if (result === 'pending') return undefined;
  if (result === 'in-progress') {
    return member.state === 'expired' ? said : { ...said, state: 'in-progress' };
  }
  const state = FORWARD[result];
  return {
    ...said,
    state,
    ended_ms: now,
    retryable: state === 'failed' && mayPass(code) ? 1 : 0,
  };
}

type EndedResult = Exclude<DeploymentResult, 'pending' | 'in-progress'>;

const FORWARD: Readonly<Record<EndedResult, MemberState>> = {
  committed: 'committed',
  'rolled-back': 'rolled-back',
  failed: 'failed',
  removed: 'failed',
};

const BACK: Readonly<Record<EndedResult, BackState>> = {
  committed: 'committed',
  'rolled-back': 'failed',
  failed: 'failed',
  removed: 'committed',
};

function backChange(
  member: MemberRow,
  { result, attempt, code, detail }: Selectable<DeploymentsTable>,
  now: number,
): MemberChange | undefined {
  const waiting = member.back_state === 'sent' || member.back_state === 'in-progress';
  if (!waiting || attempt !== member.back_attempt || result === 'pending') return undefined;
  if (result === 'in-progress') return { back_state: 'in-progress' };
  const back_detail = [code, detail].filter((part) => part !== '').join(': ');
  return { back_state: BACK[result], back_detail, back_ended_ms: now };
}

/** A download that broke off may pass at the next attempt; a failed self-test will not. */
function mayPass(code: string): boolean {
  return Object.hasOwn(ERRORS, code) && ERRORS[code as keyof typeof ERRORS].retryable;
}

const safeCount = (count: number): number => (Number.isSafeInteger(count) && count > 0 ? count : 0);

import type { Outcome } from '@flotilla/protocol';
import type { Kysely, Selectable } from 'kysely';
import type { Database, DeploymentResult, DeploymentsTable } from '../db/schema.ts';
import type { Ingested, RecordSource } from '../devices/ingest-port.ts';
import { nextRung } from './ladder.ts';
import { type MemberChange, readMembersOf, setMember } from './members.ts';
import { afterFailure, retryBackMs } from './retry.ts';
import type { RolloutSettings } from './settings.ts';
import { type MemberRow, readRollout } from './store.ts';
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
  const settings = await settingsIn(trx, fleet, rollout);
  for (let turn = 0; turn < MAX_TURNS; turn++) {
    const [member] = await readMembersOf(trx, { fleet, id: rollout }, [device]);
    if (member === undefined) return { stored: true };
    const change = changeOf({ member, deployment, settings, now: receivedMs }, outcome);
    if (change === undefined) return { stored: true };
    if (await setMember(trx, member, change)) break;
  }
  return { stored: true, after: () => touch(rollout) };
}

/** Reports of one transaction are mostly of one rollout, whose settings never change. */
const knownIn = new WeakMap<Kysely<Database>, Map<string, Promise<RolloutSettings>>>();

function settingsIn(trx: Kysely<Database>, fleet: string, id: string): Promise<RolloutSettings> {
  const known = knownIn.get(trx) ?? new Map<string, Promise<RolloutSettings>>();
  knownIn.set(trx, known);
  const key = `${fleet}/${id}`;
  const settings =
    known.get(key) ?? readRollout(trx, fleet, id).then((rollout) => rollout.settings);
  known.set(key, settings);
  return settings;
}

/** Only a deadline that passes at this very moment makes a second turn necessary. */
const MAX_TURNS = 3;

interface Report {
  readonly member: MemberRow;
  /** With the outcome in it. */
  readonly deployment: Selectable<DeploymentsTable>;
  readonly settings: RolloutSettings;
  readonly now: number;
}

/** Undefined where the report says nothing new of this member. Pure. */
function changeOf(report: Report, outcome: Outcome): MemberChange | undefined {
  const { member, deployment } = report;
  if (deployment.deployment === member.deployment) {
    return emptiedChange(report) ?? forwardChange(report, outcome);
  }
  return deployment.deployment === member.back ? backChange(report) : undefined;
}

const mustBeEmpty = ({ back, back_state }: MemberRow): boolean =>
  back === '' && back_state === 'sent';

/** Where there was nothing before, the way back ends with the removal of what was rolled out. */
function emptiedChange({ member, deployment, now }: Report): MemberChange | undefined {
  if (deployment.result !== 'removed' || !mustBeEmpty(member)) return undefined;
  return { back_state: 'committed', back_ended_ms: now };
}

const WAITED_FOR: readonly MemberState[] = ['sent', 'in-progress', 'expired'];

function forwardChange(report: Report, outcome: Outcome): MemberChange | undefined {
  const { member, deployment, now } = report;
  const { result, attempt, step, code, detail } = deployment;
  if (!WAITED_FOR.includes(member.state) || attempt !== member.attempt) return undefined;
  const said: MemberChange = {
    started: 1,
    step,
    code,
    detail,
    bytes_done: safeCount(outcome.bytesDone),
    bytes_total: safeCount(outcome.bytesTotal),
    ...(outcome.selfTest ? { tolerance_used: safeShare(outcome.selfTest.toleranceUsed) } : {}),
  };
  if (result === 'pending') return undefined;
  if (result === 'in-progress') {
    return member.state === 'expired' ? said : { ...said, state: 'in-progress' };
  }
  const state = FORWARD[result];
  return { ...said, state, ended_ms: now, ...whatFollows(report, state) };
}

/**
 * Another attempt, where the failure may pass, or the next variant, where this one is at fault; what
 * failed in a slot that was ordered empty never ran.
 */
function whatFollows({ member, deployment, settings, now }: Report, state: MemberState) {
  const failed = state === 'failed' || state === 'rolled-back';
  const back: MemberChange =
    failed && mustBeEmpty(member) ? { back_state: 'committed', back_ended_ms: now } : {};
  if (!failed || member.back_state !== 'none') return { ...back, due_ms: 0, retryable: 0 as const };
  const { code, attempt } = deployment;
  const failure = { code, attempt, strikes: member.strikes, timeZone: member.time_zone };
  const { dueMs, strikes } = afterFailure(settings, failure, now);
  if (state === 'failed' && dueMs > 0) return { due_ms: dueMs, strikes, retryable: 1 as const };
  const fallsBack = nextRung(member, code) !== undefined;
  if (fallsBack) return { state: 'failed' as const, due_ms: now, strikes, retryable: 1 as const };
  return { due_ms: 0, strikes, retryable: 0 as const };
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

function backChange({ member, deployment, settings, now }: Report): MemberChange | undefined {
  const { result, attempt, code, detail } = deployment;
  const waiting = member.back_state === 'sent' || member.back_state === 'in-progress';
  if (!waiting || attempt !== member.back_attempt || result === 'pending') return undefined;
  if (result === 'in-progress') return { back_state: 'in-progress' };
  const back_detail = [code, detail].filter((part) => part !== '').join(': ');
  const back_state = BACK[result];
  const due_ms = back_state === 'failed' ? retryBackMs(settings, deployment, now) : 0;
  return { back_state, back_detail, back_ended_ms: now, due_ms };
}

const safeCount = (count: number): number => (Number.isSafeInteger(count) && count > 0 ? count : 0);

/** Of the tolerance; what is no number used all of it. */
const safeShare = (used: number): number =>
  Number.isFinite(used) ? Math.min(1000, Math.max(0, used)) : 1000;

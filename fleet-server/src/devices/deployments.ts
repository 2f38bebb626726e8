import { newId, type Outcome, type Result, type SelfTest, type Transfer } from '@flotilla/protocol';
import type { Kysely, Selectable } from 'kysely';
import type {
  Database,
  DeploymentResult,
  DeploymentRole,
  DeploymentsTable,
  SlotsTable,
} from '../db/schema.ts';
import { limited } from './limits.ts';

export type DeploymentRow = Selectable<DeploymentsTable>;
type Trx = Kysely<Database>;

/** A bundle to put on a device. Times are wall-clock ms, 0 for none. */
export interface DeploymentOrder {
  readonly fleet: string;
  readonly device: string;
  readonly slot: string;
  readonly role: DeploymentRole;
  readonly model: string;
  readonly version: number;
  readonly precision: string;
  readonly digest: string;
  readonly targetPath: string;
  readonly bytes: number;
  readonly rollout?: string;
  readonly reason?: string;
  readonly notBeforeMs?: number;
  readonly notAfterMs?: number;
  readonly deadlineMs?: number;
  readonly watchMs?: number;
  /** Of a shadow: what it is there for. */
  readonly purpose?: 'compare' | 'measure';
}

/**
 * Makes a deployment and puts it into its slot. The caller publishes the device's desired state
 * after the transaction (`publishDesired`).
 *
 * @returns the new deployment's id
 */
export async function assignDeployment(
  trx: Trx,
  order: DeploymentOrder,
  now: number,
): Promise<string> {
  const deployment = newId(now);
  const row: DeploymentRow = {
    fleet: order.fleet,
    deployment,
    device: order.device,
    slot: order.slot,
    role: order.role,
    model: order.model,
    version: order.version,
    precision: order.precision,
    digest: order.digest,
    target_path: order.targetPath,
    bytes: order.bytes,
    rollout: order.rollout ?? '',
    reason: order.reason ?? '',
    attempt: 1,
    not_before_ms: order.notBeforeMs ?? 0,
    not_after_ms: order.notAfterMs ?? 0,
    deadline_ms: order.deadlineMs ?? 0,
    watch_ms: order.watchMs ?? 0,
    result: 'pending',
    step: '',
    code: '',
    detail: '',
    self_test: '',
    transfer: '',
    purpose: order.purpose ?? '',
    created_ms: now,
    updated_ms: now,
  };
  await trx.insertInto('deployments').values(row).execute();
  const slot = await readSlot(trx, order.fleet, order.device, order.slot);
  await writeSlot(trx, await withDeployment(trx, slot, row));
  await bumpRevision(trx, order.fleet, order.device);
  return deployment;
}

/** What was active and committed is what a roll-back goes to; a failed one in between is skipped. */
async function withDeployment(trx: Trx, slot: SlotRow, row: DeploymentRow): Promise<SlotRow> {
  if (row.role === 'shadow') return { ...slot, mode: 'present', shadow: row.deployment };
  const active = await findDeployment(trx, slot.fleet, slot.active);
  const previous = active?.result === 'committed' ? active.deployment : slot.previous;
  const shadow = (await comparesWith(trx, slot)) ? '' : slot.shadow;
  return { ...slot, mode: 'present', active: row.deployment, previous, shadow };
}

/** Whether the slot's shadow is there for what has been active: nobody asked how it does beside another. */
async function comparesWith(trx: Trx, { fleet, shadow }: SlotRow): Promise<boolean> {
  return (await findDeployment(trx, fleet, shadow))?.purpose === 'compare';
}

/**
 * Takes a deployment out of a slot's shadow place, where it still holds it. The device runs on what
 * is active there.
 *
 * @returns whether the desired state changed
 */
export async function withdrawShadow(
  trx: Trx,
  {
    fleet,
    device,
    slot,
    deployment,
  }: Pick<DeploymentRow, 'fleet' | 'device' | 'slot' | 'deployment'>,
): Promise<boolean> {
  const { numUpdatedRows } = await trx
    .updateTable('slots')
    .set({ shadow: '' })
    .where('fleet', '=', fleet)
    .where('device', '=', device)
    .where('slot', '=', slot)
    .where('shadow', '=', deployment)
    .executeTakeFirst();
  if (numUpdatedRows === 0n) return false;
  await bumpRevision(trx, fleet, device);
  return true;
}

/** Orders the same deployment once more. `notAfterMs`: when its new window closes. */
export async function retryDeployment(
  trx: Trx,
  fleet: string,
  deployment: string,
  now: number,
  { notAfterMs }: { readonly notAfterMs?: number } = {},
): Promise<void> {
  const row = await trx
    .updateTable('deployments')
    .set((e) => ({
      attempt: e('attempt', '+', 1),
      result: 'pending' as const,
      step: '',
      code: '',
      detail: '',
      self_test: '',
      transfer: '',
      updated_ms: now,
      ...(notAfterMs === undefined ? {} : { not_after_ms: notAfterMs }),
    }))
    .where('fleet', '=', fleet)
    .where('deployment', '=', deployment)
    .returning('device')
    .executeTakeFirst();
  if (row !== undefined) await bumpRevision(trx, fleet, row.device);
}

/**
 * Takes a device back to what its slot ran before `deployment`: the same bundle in a new
 * deployment, or an empty slot where there was none.
 *
 * @returns the new deployment's id; undefined where the slot is emptied or runs something else by now
 */
export async function rollBackDeployment(
  trx: Trx,
  deployment: DeploymentRow,
  reason: string,
  now: number,
): Promise<string | undefined> {
  const { fleet, device } = deployment;
  const slot = await readSlot(trx, fleet, device, deployment.slot);
  if (slot.active !== deployment.deployment) return undefined;
  const previous = await findDeployment(trx, fleet, slot.previous);
  if (previous === undefined) {
    await emptySlot(trx, fleet, device, deployment.slot);
    return undefined;
  }
  const order: DeploymentOrder = {
    fleet,
    device,
    slot: previous.slot,
    role: 'active',
    model: previous.model,
    version: previous.version,
    precision: previous.precision,
    digest: previous.digest,
    targetPath: previous.target_path,
    bytes: previous.bytes,
    rollout: deployment.rollout,
    reason,
    watchMs: previous.watch_ms,
  };
  const made = await assignDeployment(trx, order, now);
  await writeSlot(trx, { ...slot, active: made, mode: 'present' });
  return made;
}

/** Removal is explicit: the slot stays named with `mode: absent`. */
async function emptySlot(trx: Trx, fleet: string, device: string, slot: string): Promise<void> {
  await writeSlot(trx, {
    fleet,
    device,
    slot,
    mode: 'absent',
    active: '',
    shadow: '',
    previous: '',
  });
  await bumpRevision(trx, fleet, device);
}

/** Changes a slot on many devices, whose desired state is another one then. */
export async function changeSlots(
  trx: Trx,
  { fleet, slot }: Pick<SlotRow, 'fleet' | 'slot'>,
  devices: readonly string[],
  change: Partial<Pick<SlotRow, 'shadow' | 'previous'>>,
): Promise<void> {
  for (let i = 0; i < devices.length; i += 400) {
    const some = devices.slice(i, i + 400);
    await trx
      .updateTable('slots')
      .set(change)
      .where('fleet', '=', fleet)
      .where('device', 'in', some)
      .where('slot', '=', slot)
      .execute();
    await bumpRevisions(trx, fleet, some);
  }
}

/** Raises the revision of a device's desired state: every change to it comes through here. */
export const bumpRevision = (trx: Trx, fleet: string, device: string): Promise<void> =>
  bumpRevisions(trx, fleet, [device]);

async function bumpRevisions(trx: Trx, fleet: string, devices: readonly string[]): Promise<void> {
  await trx
    .updateTable('devices')
    .set((e) => ({ revision: e('revision', '+', 1) }))
    .where('fleet', '=', fleet)
    .where('device', 'in', devices)
    .execute();
}

const RESULTS: Readonly<Record<Result, DeploymentResult | undefined>> = {
  RESULT_UNSPECIFIED: undefined,
  RESULT_IN_PROGRESS: 'in-progress',
  RESULT_COMMITTED: 'committed',
  RESULT_ROLLED_BACK: 'rolled-back',
  RESULT_FAILED: 'failed',
  RESULT_REMOVED: 'removed',
};

export type AppliedOutcome =
  | { readonly kind: 'changed'; readonly deployment: DeploymentRow }
  | { readonly kind: 'known' }
  | { readonly kind: 'rejected'; readonly code: string };

/**
 * Writes what a device says of a deployment into its row. Of the current attempt only, and an
 * attempt that has ended stays ended: reports may come twice and out of order.
 */
export async function applyOutcome(
  trx: Trx,
  fleet: string,
  device: string,
  outcome: Outcome,
  now: number,
): Promise<AppliedOutcome> {
  const result = RESULTS[outcome.result];
  if (result === undefined) return { kind: 'rejected', code: 'outcome.invalid' };
  const row = await findDeployment(trx, fleet, outcome.deployment);
  if (row === undefined || row.device !== device || outcome.attempt > row.attempt) {
    return { kind: 'rejected', code: 'outcome.unknown-deployment' };
  }
  if (outcome.attempt < row.attempt || !follows(row.result, result)) return { kind: 'known' };
  const changed = {
    result,
    step: outcome.step.slice(0, 40),
    code: outcome.code.slice(0, 80),
    detail: outcome.detail.slice(0, 500),
    ...(outcome.selfTest ? { self_test: stored(outcome.selfTest) } : {}),
    ...(outcome.transfer ? { transfer: stored(outcome.transfer) } : {}),
    updated_ms: now,
  };
  const deployment = await trx
    .updateTable('deployments')
    .set(changed)
    .where('fleet', '=', fleet)
    .where('deployment', '=', row.deployment)
    // the server may have raised the attempt since the row was read
    .where('attempt', '=', outcome.attempt)
    .returningAll()
    .executeTakeFirst();
  return deployment === undefined ? { kind: 'known' } : { kind: 'changed', deployment };
}

/** An attempt that has ended stays so; only what was committed may be removed later. */
const follows = (before: DeploymentResult, next: DeploymentResult): boolean =>
  before === 'pending' ||
  before === 'in-progress' ||
  (before === 'committed' && next === 'removed');

const stored = (said: SelfTest | Transfer): string => JSON.stringify(limited(said));

export async function findDeployment(
  trx: Trx,
  fleet: string,
  deployment: string,
): Promise<DeploymentRow | undefined> {
  if (deployment === '') return undefined;
  return trx
    .selectFrom('deployments')
    .selectAll()
    .where('fleet', '=', fleet)
    .where('deployment', '=', deployment)
    .executeTakeFirst();
}

type SlotRow = Selectable<SlotsTable>;

async function readSlot(trx: Trx, fleet: string, device: string, slot: string): Promise<SlotRow> {
  const row = await trx
    .selectFrom('slots')
    .selectAll()
    .where('fleet', '=', fleet)
    .where('device', '=', device)
    .where('slot', '=', slot)
    .executeTakeFirst();
  return row ?? { fleet, device, slot, mode: 'absent', active: '', shadow: '', previous: '' };
}

async function writeSlot(trx: Trx, slot: SlotRow): Promise<void> {
  const { mode, active, shadow, previous } = slot;
  await trx
    .insertInto('slots')
    .values(slot)
    .onConflict((on) =>
      on.columns(['fleet', 'device', 'slot']).doUpdateSet({ mode, active, shadow, previous }),
    )
    .execute();
}

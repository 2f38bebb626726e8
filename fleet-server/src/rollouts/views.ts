import type { Transfer } from '@flotilla/protocol';
import type { Kysely } from 'kysely';
import type { Database } from '../db/schema.ts';
import { needsApproval } from './approve.ts';
import type { RolloutDraft } from './create.ts';
import { GATES } from './gates/index.ts';
import type { GateName, VerdictState } from './gates/types.ts';
import { type ArmName, reasonIn } from './kinds/shape.ts';
import { withLabels } from './labels.ts';
import { rungsOf } from './ladder.ts';
import { earliestStarts, groupDraft } from './progress/draft.ts';
import { chunks, type MemberRow, type Rollout } from './store.ts';

type Db = Kysely<Database>;

/** The devices of rollouts by state. */
export async function countStates(
  db: Db,
  fleet: string,
  rollouts: readonly string[],
): Promise<Map<string, Record<string, number>>> {
  const counts = new Map<string, Record<string, number>>();
  for (const ids of chunks(rollouts, 400)) {
    const rows = await db
      .selectFrom('rollout_members')
      .select((e) => ['rollout', 'state', e.fn.countAll<number>().as('devices')])
      .where('fleet', '=', fleet)
      .where('rollout', 'in', ids)
      .groupBy(['rollout', 'state'])
      .execute();
    for (const { rollout, state, devices } of rows) {
      counts.set(rollout, { ...counts.get(rollout), [state]: Number(devices) });
    }
  }
  return counts;
}

export function summarize(rollout: Rollout, counts: Readonly<Record<string, number>>) {
  const { id, model, version, slot, selector, state, haltedBy, sentence, wave } = rollout;
  const { sizes, createdBy, createdMs, endedMs, kind, parent } = rollout;
  return {
    ...{ id, model, version, slot, selector, state, sentence, wave },
    ...{ createdBy, createdMs, endedMs, kind, parent },
    sizes: [...sizes],
    counts: { ...counts },
    haltedBy: haltedBy ?? ('' as const),
    approvedWaves: rollout.approvedWaves,
    needsApproval: needsApproval(rollout),
  };
}

/** Index of the wave in which a position has its turn; −1 for devices that take no part. */
const waveOf = (sizes: readonly number[], position: number): number =>
  position < 0 ? -1 : sizes.findIndex((size) => position < size);

/** Labels that a person knows devices by. */
export async function readLabels(
  db: Db,
  fleet: string,
  devices: readonly string[],
): Promise<Map<string, { name: string; target: string }>> {
  const labels = new Map<string, { name: string; target: string }>();
  for (const some of chunks(devices, 400)) {
    const rows = await db
      .selectFrom('devices')
      .select(['device', 'name', 'target'])
      .where('fleet', '=', fleet)
      .where('device', 'in', some)
      .execute();
    for (const { device, name, target } of rows) labels.set(device, { name, target });
  }
  return labels;
}

export async function viewMembers(db: Db, rollout: Rollout, members: readonly MemberRow[]) {
  const labels = await readLabels(
    db,
    rollout.fleet,
    members.map(({ device }) => device),
  );
  const transfers = await readTransfers(db, rollout, members);
  return members.map((row) => ({
    device: row.device,
    name: labels.get(row.device)?.name ?? '',
    target: labels.get(row.device)?.target ?? '',
    position: row.position,
    wave: waveOf(rollout.sizes, row.position),
    state: row.state,
    reason: reasonIn(row),
    digest: row.digest,
    precision: row.precision,
    ladder: rungsOf(row).map(({ precision }) => precision),
    rung: row.rung,
    arm: row.arm as ArmName,
    deployment: row.deployment,
    attempt: row.attempt,
    step: row.step,
    code: row.code,
    detail: row.detail,
    bytesDone: row.bytes_done,
    bytesTotal: row.bytes_total,
    ...transfers.get(row.deployment),
    baseVersion: row.base_version,
    sentMs: row.sent_ms,
    endedMs: row.ended_ms,
    backState: row.back_state,
    backDetail: row.back_detail,
  }));
}

/** What the downloads of these members took, by deployment, as far as the devices said it. */
async function readTransfers(db: Db, { fleet }: Rollout, members: readonly MemberRow[]) {
  const ids = members.map(({ deployment }) => deployment).filter((id) => id !== '');
  const transfers = new Map<string, { transfer: Transfer }>();
  for (const some of chunks(ids, 400)) {
    const rows = await db
      .selectFrom('deployments')
      .select(['deployment', 'transfer'])
      .where('fleet', '=', fleet)
      .where('deployment', 'in', some)
      .where('transfer', '!=', '')
      .execute();
    for (const { deployment, transfer } of rows) {
      transfers.set(deployment, { transfer: JSON.parse(transfer) as Transfer });
    }
  }
  return transfers;
}

/** Every verdict so far, newest wave first; it is the latest of its gate in its wave. */
export async function viewVerdicts(db: Db, { fleet, id }: Rollout) {
  const rows = await db
    .selectFrom('rollout_verdicts')
    .selectAll()
    .where('fleet', '=', fleet)
    .where('rollout', '=', id)
    .orderBy('wave', 'desc')
    .orderBy('gate')
    .execute();
  return rows.map(({ wave, gate, state, sentence, numbers, judged_ms }) => ({
    wave,
    gate: gate as GateName,
    title: GATES[gate as GateName].title,
    state: state as VerdictState,
    sentence,
    numbers: JSON.parse(numbers) as Record<string, number>,
    judgedMs: judged_ms,
  }));
}

/** The newest, in the order in which they happened. */
export async function viewEvents(db: Db, { fleet, id }: Rollout, most: number) {
  const rows = await db
    .selectFrom('rollout_events')
    .select(['event', 'at_ms', 'kind', 'sentence'])
    .where('fleet', '=', fleet)
    .where('rollout', '=', id)
    .orderBy('at_ms', 'desc')
    .orderBy('event', 'desc')
    .limit(most)
    .execute();
  const events = rows
    .toReversed()
    .map(({ event, at_ms, kind, sentence }) => ({ id: event, atMs: at_ms, kind, sentence }));
  return withLabels(db, fleet, events);
}

/** Devices that the answer about a draft names; all of them are counted. */
const DRAFTED = 1000;

export async function viewDraft(draft: RolloutDraft, dryRun: boolean, now: number) {
  const { id, model, version, slot, selector, sizes, settings, members, warnings } = draft;
  return {
    ...(await groupDraft(members, (position) => waveOf(sizes, position))),
    matched: members.length,
    startsMs: await earliestStarts(draft, now),
    id: dryRun ? '' : id,
    ...{ dryRun, model, version, slot, selector },
    sizes: [...sizes],
    warnings: [...warnings],
    settings: viewSettings(settings),
    devices: members.slice(0, DRAFTED).map(({ variant, position, ladder, ...member }) => ({
      ...{ device: member.device, name: member.name, target: member.target },
      ...{ state: member.state, reason: reasonIn(member), stratum: member.stratum },
      arm: member.arm,
      wave: waveOf(sizes, position),
      precision: variant?.precision ?? '',
      digest: variant?.digest ?? '',
      ladder: ladder.map(({ precision }) => precision),
    })),
  };
}

export const viewSettings = (settings: RolloutDraft['settings']) => ({
  ...settings,
  waves: [...settings.waves],
  stratify: [...settings.stratify],
  maintenance: settings.maintenance.map(({ days, ...window }) => ({
    ...window,
    ...(days && { days: [...days] }),
  })),
  gates: { ...settings.gates, disabled: [...settings.gates.disabled] },
});

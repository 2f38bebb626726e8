import { FlotillaError, newId } from '@flotilla/protocol';
import type { Kysely, Selectable } from 'kysely';
import type { Database } from '../db/schema.ts';
import type { RolloutMembersTable, RolloutsTable } from '../db/schema-telemetry.ts';
import type { GateName, Verdict, VerdictState } from './gates/types.ts';
import type { RolloutKind } from './kinds/settings.ts';
import { type RolloutSettings, storedSettings } from './settings.ts';
import type { BackState, HaltCause, MemberState, RolloutState } from './types.ts';

type Db = Kysely<Database>;

export interface Rollout {
  readonly fleet: string;
  readonly id: string;
  readonly model: string;
  readonly version: number;
  readonly slot: string;
  readonly selector: string;
  /** What it does now: an A/B rollout that was promoted goes on as an update. */
  readonly kind: RolloutKind;
  /** Shadow rollout that it was promoted from; empty where none. */
  readonly parent: string;
  readonly state: RolloutState;
  readonly haltedBy: HaltCause | undefined;
  readonly sentence: string;
  readonly wave: number;
  readonly sizes: readonly number[];
  /** Waves that a person has approved. */
  readonly approvedWaves: number;
  /** Gates whose suspicious evidence a person knew of when approving the next wave. */
  readonly accepted: readonly GateName[];
  /** Up to when the devices asked so far use up what the rate allows. */
  readonly rateMs: number;
  readonly settings: RolloutSettings;
  readonly createdBy: string;
  readonly createdMs: number;
  readonly endedMs: number;
}

export type MemberRow = Omit<Selectable<RolloutMembersTable>, 'state' | 'back_state'> & {
  readonly state: MemberState;
  readonly back_state: BackState;
};

export const ENDED_STATES: readonly RolloutState[] = ['rolled-back', 'done', 'aborted'];

const rolloutOf = (row: Selectable<RolloutsTable>): Rollout => ({
  fleet: row.fleet,
  id: row.rollout,
  model: row.model,
  version: row.version,
  slot: row.slot,
  selector: row.selector,
  kind: row.kind === '' ? 'update' : (row.kind as RolloutKind),
  parent: row.parent,
  state: row.state as RolloutState,
  haltedBy: row.halted_by === '' ? undefined : (row.halted_by as HaltCause),
  sentence: row.sentence,
  wave: row.wave,
  sizes: JSON.parse(row.sizes) as number[],
  approvedWaves: row.approved_wave,
  accepted: row.accepted_gates.split(' ').filter((gate) => gate !== '') as GateName[],
  rateMs: row.rate_ms,
  settings: storedSettings(row.settings),
  createdBy: row.created_by,
  createdMs: row.created_ms,
  endedMs: row.ended_ms,
});

/** @throws FlotillaError `server.not-found` */
export async function readRollout(db: Db, fleet: string, rollout: string): Promise<Rollout> {
  const row = await db
    .selectFrom('rollouts')
    .selectAll()
    .where('fleet', '=', fleet)
    .where('rollout', '=', rollout)
    .executeTakeFirst();
  if (row === undefined) {
    throw new FlotillaError('server.not-found', { what: 'rollout', id: rollout.slice(0, 40) });
  }
  return rolloutOf(row);
}

/** Newest first. `before`: the id to continue after. */
export async function listRollouts(
  db: Db,
  fleet: string,
  { limit, before }: { limit: number; before?: string | undefined },
): Promise<Rollout[]> {
  let query = db.selectFrom('rollouts').selectAll().where('fleet', '=', fleet);
  if (before !== undefined) query = query.where('rollout', '<', before);
  const rows = await query.orderBy('rollout', 'desc').limit(limit).execute();
  return rows.map(rolloutOf);
}

/** Every rollout of every fleet that is not at its end, oldest first. */
export async function unfinishedRollouts(db: Db): Promise<Rollout[]> {
  const rows = await db
    .selectFrom('rollouts')
    .selectAll()
    .where('state', 'not in', [...ENDED_STATES])
    .orderBy('rollout')
    .execute();
  return rows.map(rolloutOf);
}

export function* chunks<T>(items: readonly T[], size: number): Generator<T[]> {
  for (let i = 0; i < items.length; i += size) yield items.slice(i, i + size);
}

export async function readVerdicts(
  db: Db,
  { fleet, id, wave }: Pick<Rollout, 'fleet' | 'id' | 'wave'>,
): Promise<Verdict[]> {
  const rows = await db
    .selectFrom('rollout_verdicts')
    .selectAll()
    .where('fleet', '=', fleet)
    .where('rollout', '=', id)
    .where('wave', '=', wave)
    .execute();
  return rows.map((row) => ({
    gate: row.gate as GateName,
    state: row.state as VerdictState,
    sentence: row.sentence,
    numbers: JSON.parse(row.numbers) as Record<string, number>,
  }));
}

export async function writeVerdicts(
  db: Db,
  { fleet, id, wave }: Pick<Rollout, 'fleet' | 'id' | 'wave'>,
  verdicts: readonly Verdict[],
  now: number,
): Promise<void> {
  if (verdicts.length === 0) return;
  await db
    .insertInto('rollout_verdicts')
    .values(
      verdicts.map(({ gate, state, sentence, numbers }) => ({
        fleet,
        rollout: id,
        wave,
        gate,
        state,
        sentence,
        numbers: JSON.stringify(numbers),
        judged_ms: now,
      })),
    )
    .onConflict((on) =>
      on.columns(['fleet', 'rollout', 'wave', 'gate']).doUpdateSet((e) => ({
        state: e.ref('excluded.state'),
        sentence: e.ref('excluded.sentence'),
        numbers: e.ref('excluded.numbers'),
        judged_ms: e.ref('excluded.judged_ms'),
      })),
    )
    .execute();
}

/** Writes down what happened, for the person who reads the rollout. */
export async function addEvent(
  trx: Db,
  { fleet, id }: Pick<Rollout, 'fleet' | 'id'>,
  kind: string,
  sentence: string,
  now: number,
): Promise<void> {
  await trx
    .insertInto('rollout_events')
    .values({ fleet, rollout: id, event: newId(now), at_ms: now, kind, sentence })
    .execute();
}

import type { Kysely } from 'kysely';
import type { SqlDialect } from '../db/dialect.ts';
import { insertRows } from '../db/insert-rows.ts';
import type { Database } from '../db/schema.ts';
import type { DraftMember } from './create.ts';
import { storedLadder } from './ladder.ts';
import type { Rollout } from './store.ts';

/** Of a member that nothing has happened to yet. */
const FRESH = {
  deployment: '',
  attempt: 0,
  started: 0,
  retryable: 0,
  step: '',
  code: '',
  detail: '',
  bytes_done: 0,
  bytes_total: 0,
  base_digest: '',
  base_version: 0,
  sent_ms: 0,
  ended_ms: 0,
  back: '',
  back_state: 'none',
  back_attempt: 0,
  back_detail: '',
  back_ended_ms: 0,
} as const;

/** Writes down which devices a rollout is over, and what each gets. */
export async function addMembers(
  dialect: SqlDialect,
  trx: Kysely<Database>,
  { fleet, id: rollout }: Pick<Rollout, 'fleet' | 'id'>,
  members: readonly DraftMember[],
): Promise<void> {
  const common = { ...FRESH, fleet, rollout };
  const ladders = new Map<DraftMember['ladder'], string>();
  const rows = members.map((member) => {
    const ladder = ladders.get(member.ladder) ?? storedLadder(member.ladder);
    ladders.set(member.ladder, ladder);
    return rowOf(member, ladder);
  });
  await insertRows(dialect, trx, 'rollout_members', common, rows);
}

function rowOf(member: DraftMember, ladder: string) {
  const { device, position, arm, state, reason, variant, stratum, timeZone } = member;
  return {
    ...{ device, position, arm, state, reason, stratum, time_zone: timeZone },
    digest: variant?.digest ?? '',
    precision: variant?.precision ?? '',
    target_path: variant?.target_path ?? '',
    bytes: variant?.bytes ?? 0,
    ladder,
  };
}

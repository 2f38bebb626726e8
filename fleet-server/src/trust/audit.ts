import { createHash } from 'node:crypto';
import type { Kysely, Selectable } from 'kysely';
import type { SqlDialect } from '../db/dialect.ts';
import type { AuditLogTable, Database } from '../db/schema.ts';

export interface AuditEntry {
  readonly fleet: string;
  /** `token:<id>`, `device:<id>` or `server`. */
  readonly actor: string;
  /** `device.enroll`, `model.push`, `rollout.abort` … */
  readonly action: string;
  /** Id of what was changed. */
  readonly subject: string;
  readonly detail?: Readonly<Record<string, unknown>>;
}

/** What a change to the audit log needs: `ServerContext` has it. */
export interface AuditParts {
  readonly dialect: SqlDialect;
  readonly now: () => number;
}

const GENESIS = '0'.repeat(64);

/** Appends to the fleet's log within the transaction of the change itself. */
export async function audit(
  parts: AuditParts,
  trx: Kysely<Database>,
  entry: AuditEntry,
): Promise<void> {
  await parts.dialect.lock(trx, `audit ${entry.fleet}`);
  const last = await trx
    .selectFrom('audit_log')
    .select(['seq', 'hash'])
    .where('fleet', '=', entry.fleet)
    .orderBy('seq', 'desc')
    .limit(1)
    .executeTakeFirst();
  const row = {
    fleet: entry.fleet,
    seq: (last?.seq ?? 0) + 1,
    at_ms: parts.now(),
    actor: entry.actor,
    action: entry.action,
    subject: entry.subject,
    detail: JSON.stringify(entry.detail ?? {}),
    previous_hash: last?.hash ?? GENESIS,
  };
  await trx
    .insertInto('audit_log')
    .values({ ...row, hash: hashOf(row) })
    .execute();
}

type Unhashed = Omit<Selectable<AuditLogTable>, 'hash'>;

function hashOf(row: Unhashed): string {
  const { fleet, seq, at_ms, actor, action, subject, detail, previous_hash } = row;
  const fields = [fleet, seq, at_ms, actor, action, subject, detail, previous_hash];
  return createHash('sha256').update(JSON.stringify(fields)).digest('hex');
}

type Link = Pick<Selectable<AuditLogTable>, 'seq' | 'hash'>;

const BEGINNING: Link = { seq: 0, hash: GENESIS };

/**
 * First entry that was changed, or follows one that was taken out; undefined where the chain holds.
 *
 * @param before the entry before these
 */
export function findBreak(
  rows: readonly Selectable<AuditLogTable>[],
  before: Link = BEGINNING,
): number | undefined {
  let previous = before;
  for (const row of rows) {
    const follows = row.seq === previous.seq + 1 && row.previous_hash === previous.hash;
    if (!follows || row.hash !== hashOf(row)) return row.seq;
    previous = row;
  }
  return undefined;
}

/** What a whole chain came to. */
export interface ChainCheck {
  readonly entries: number;
  /** Hash of the newest entry: who noted an earlier one can tell whether its log is still this one. */
  readonly head: string;
  /** `seq` of the first entry that does not fit; undefined where all do. */
  readonly brokenAt: number | undefined;
}

const PORTION = 1000;

/** Reads the log of a fleet from its beginning and checks every hash. */
export async function checkChain(db: Kysely<Database>, fleet: string): Promise<ChainCheck> {
  let last = BEGINNING;
  for (;;) {
    const rows = await db
      .selectFrom('audit_log')
      .selectAll()
      .where('fleet', '=', fleet)
      .where('seq', '>', last.seq)
      .orderBy('seq')
      .limit(PORTION)
      .execute();
    const brokenAt = findBreak(rows, last);
    last = rows.at(-1) ?? last;
    const ended = rows.length < PORTION || brokenAt !== undefined;
    if (ended) return { entries: last.seq, head: last.hash, brokenAt };
  }
}

import { FlotillaError, newId } from '@flotilla/protocol';
import type { Kysely, Selectable } from 'kysely';
import type { ServerContext } from '../context.ts';
import type { ClaimTokensTable, Database } from '../db/schema.ts';
import { audit } from '../trust/audit.ts';
import { hashToken, mintToken } from '../trust/tokens.ts';

export type ClaimTokenRow = Selectable<ClaimTokensTable>;

export interface ClaimTokenOrder {
  readonly fleet: string;
  readonly label: string;
  readonly uses: number;
  readonly validMs: number;
  readonly tags: Readonly<Record<string, string>>;
  /** False: a device that enrolls with it waits until a person accepts it. */
  readonly autoAccept: boolean;
}

type Parts = Pick<ServerContext, 'db' | 'dialect' | 'now'>;

/** Makes a token that devices enroll with. The secret is in this answer only. */
export async function createClaimToken(
  parts: Parts,
  actor: string,
  order: ClaimTokenOrder,
): Promise<{ row: ClaimTokenRow; secret: string }> {
  const { secret, hash } = mintToken('flc');
  const { fleet, label } = order;
  const now = parts.now();
  const row: ClaimTokenRow = {
    fleet,
    token: newId(now),
    hash,
    label,
    uses_left: order.uses,
    expires_ms: now + order.validMs,
    tags: JSON.stringify(order.tags),
    auto_accept: order.autoAccept ? 1 : 0,
    created_ms: now,
  };
  await parts.db.transaction().execute(async (trx) => {
    await trx.insertInto('claim_tokens').values(row).execute();
    const detail = { uses: order.uses, label };
    await audit(parts, trx, {
      fleet,
      actor,
      action: 'claim-token.create',
      subject: row.token,
      detail,
    });
  });
  return { row, secret };
}

/** The token of that secret, unless nobody made it or its time is over. */
export async function findClaimToken(
  trx: Kysely<Database>,
  secret: string,
  now: number,
): Promise<ClaimTokenRow> {
  const row = await trx
    .selectFrom('claim_tokens')
    .selectAll()
    .where('hash', '=', hashToken(secret))
    .executeTakeFirst();
  if (row === undefined) throw new FlotillaError('enroll.token-unknown', { reason: 'unknown' });
  if (row.expires_ms <= now) {
    const reason = `it expired on ${new Date(row.expires_ms).toISOString()}`;
    throw new FlotillaError('enroll.token-unknown', { reason });
  }
  return row;
}

/**
 * Takes one use of a token; counting and checking are one statement, so that two devices that come
 * at once cannot share the last use.
 *
 * @throws FlotillaError `enroll.token-spent`
 */
export async function spendClaimToken(trx: Kysely<Database>, row: ClaimTokenRow): Promise<void> {
  const spent = await trx
    .updateTable('claim_tokens')
    .set((e) => ({ uses_left: e('uses_left', '-', 1) }))
    .where('fleet', '=', row.fleet)
    .where('token', '=', row.token)
    .where('uses_left', '>', 0)
    .returning('token')
    .executeTakeFirst();
  if (spent !== undefined) return;
  const token = row.label === '' ? row.token : `${row.token} (${row.label})`;
  throw new FlotillaError('enroll.token-spent', { token });
}

export async function listClaimTokens({ db }: Parts, fleet: string): Promise<ClaimTokenRow[]> {
  return db
    .selectFrom('claim_tokens')
    .selectAll()
    .where('fleet', '=', fleet)
    .orderBy('token')
    .execute();
}

/** @throws FlotillaError `server.not-found` */
export async function deleteClaimToken(
  parts: Parts,
  actor: string,
  fleet: string,
  token: string,
): Promise<void> {
  await parts.db.transaction().execute(async (trx) => {
    const gone = await trx
      .deleteFrom('claim_tokens')
      .where('fleet', '=', fleet)
      .where('token', '=', token)
      .returning('token')
      .executeTakeFirst();
    if (gone === undefined) {
      throw new FlotillaError('server.not-found', { what: 'claim token', id: token });
    }
    await audit(parts, trx, { fleet, actor, action: 'claim-token.delete', subject: token });
  });
}

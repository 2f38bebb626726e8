import { FlotillaError, newId } from '@flotilla/protocol';
import type { Kysely, Selectable } from 'kysely';
import type { ServerContext } from '../context.ts';
import type { Database, UserTokensTable } from '../db/schema.ts';
import { audit } from './audit.ts';
import { mintToken } from './tokens.ts';

export type UserTokenRow = Selectable<UserTokensTable>;

/** Where a token names its fleet: every fleet of this server. */
export const ALL_FLEETS = '*';

export interface UserTokenOrder {
  /** A fleet, or `*` for all. */
  readonly fleet: string;
  readonly label: string;
  readonly role: UserTokenRow['role'];
  /** 0: does not expire. */
  readonly validMs: number;
}

type Parts = Pick<ServerContext, 'db' | 'dialect' | 'now'>;

/** Makes a token for a person or program. The secret is in this answer only. */
export async function createUserToken(
  parts: Parts,
  actor: string,
  order: UserTokenOrder,
): Promise<{ row: UserTokenRow; secret: string }> {
  const { secret, hash } = mintToken('flt');
  const { validMs, ...fields } = order;
  const now = parts.now();
  const expires_ms = validMs === 0 ? 0 : now + validMs;
  const row: UserTokenRow = { ...fields, token: newId(now), hash, expires_ms, created_ms: now };
  await parts.db.transaction().execute(async (trx) => {
    await trx.insertInto('user_tokens').values(row).execute();
    const { fleet, role, label, token: subject } = row;
    const detail = { role, label };
    await audit(parts, trx, { fleet, actor, action: 'user-token.create', subject, detail });
  });
  return { row, secret };
}

/**
 * The token that lets the first person in, made where the server has none at all.
 *
 * @returns its secret; undefined on every later start
 */
export async function createFirstToken(parts: Parts): Promise<string | undefined> {
  const known = await parts.db
    .selectFrom('user_tokens')
    .select('token')
    .limit(1)
    .executeTakeFirst();
  if (known !== undefined) return undefined;
  const order = { fleet: ALL_FLEETS, label: 'first start', role: 'admin', validMs: 0 } as const;
  return (await createUserToken(parts, 'server', order)).secret;
}

export async function listUserTokens({ db }: Parts, fleet: string): Promise<UserTokenRow[]> {
  return db
    .selectFrom('user_tokens')
    .selectAll()
    .where('fleet', '=', fleet)
    .orderBy('token')
    .execute();
}

/**
 * The last token of an admin of the whole server stays: without it nobody could make another.
 *
 * @throws FlotillaError `server.not-found`, `request.conflict`
 */
export async function deleteUserToken(
  parts: Parts,
  actor: string,
  fleet: string,
  token: string,
): Promise<void> {
  await parts.db.transaction().execute(async (trx) => {
    const gone = await trx
      .deleteFrom('user_tokens')
      .where('fleet', '=', fleet)
      .where('token', '=', token)
      .returning('token')
      .executeTakeFirst();
    if (gone === undefined) {
      throw new FlotillaError('server.not-found', { what: 'token', id: token });
    }
    if (fleet === ALL_FLEETS && !(await hasAdmin(trx, parts.now()))) {
      const reason = 'it is the last one of an admin of this server: make another first';
      throw new FlotillaError('request.conflict', { what: `token ${token}`, reason });
    }
    await audit(parts, trx, { fleet, actor, action: 'user-token.delete', subject: token });
  });
}

async function hasAdmin(trx: Kysely<Database>, now: number): Promise<boolean> {
  const row = await trx
    .selectFrom('user_tokens')
    .select('token')
    .where('fleet', '=', ALL_FLEETS)
    .where('role', '=', 'admin')
    .where((e) => e.or([e('expires_ms', '=', 0), e('expires_ms', '>', now)]))
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

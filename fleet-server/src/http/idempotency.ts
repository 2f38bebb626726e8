import { createHash } from 'node:crypto';
import { FlotillaError } from '@flotilla/protocol';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ServerContext } from '../context.ts';
import { actorOf } from './principal.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Key under which the answer is kept; null where the request carries none. */
    idempotency: { readonly fleet: string; readonly actor: string; readonly key: string } | null;
  }
  interface FastifyContextConfig {
    /** The answer holds a secret and is not kept: a repeated request is a new one. */
    secret?: boolean;
  }
}

type Parts = Pick<ServerContext, 'db' | 'now'>;

const KEEP_MS = 24 * 3_600_000;
const MAX_KEY = 128;

/**
 * Repeats the answer of a POST that carries a known `Idempotency-Key` (IETF draft
 * httpapi-idempotency-key-header), so that a client may retry without doing a thing twice.
 */
export function addIdempotency(app: FastifyInstance, parts: Parts): void {
  app.decorateRequest('idempotency', null);
  app.addHook('preHandler', async (request, reply) => {
    const key = request.headers['idempotency-key'];
    const kept = request.method === 'POST' && request.routeOptions.config.secret !== true;
    if (typeof key !== 'string' || !kept || request.principal.kind !== 'user') return;
    if (key.length === 0 || key.length > MAX_KEY) {
      const reason = `takes 1 to ${MAX_KEY} characters`;
      throw new FlotillaError('request.invalid', { where: 'Idempotency-Key', reason });
    }
    const { fleet = '*' } = request.params as { fleet?: string };
    await begin(parts, request, reply, { fleet, actor: actorOf(request.principal), key });
  });
  app.addHook('onSend', async (request, reply, payload) => {
    if (request.idempotency === null) return payload;
    await finish(parts, request.idempotency, reply.statusCode, payload);
    return payload;
  });
}

type Key = NonNullable<FastifyRequest['idempotency']>;

async function begin(
  { db, now }: Parts,
  request: FastifyRequest,
  reply: FastifyReply,
  key: Key,
): Promise<void> {
  const hash = fingerprint(request);
  const row = { ...key, request: hash, status: 0, body: '', created_ms: now() };
  const inserted = await db
    .insertInto('idempotency_keys')
    .values(row)
    .onConflict((on) => on.columns(['fleet', 'actor', 'key']).doNothing())
    .returning('key')
    .executeTakeFirst();
  if (inserted !== undefined) {
    request.idempotency = key;
    return;
  }
  const known = await whereKey(db.selectFrom('idempotency_keys'), key)
    .select(['request', 'status', 'body'])
    .executeTakeFirst();
  const what = `Idempotency-Key ${key.key}`;
  if (known === undefined || known.status === 0) {
    const reason = 'the first request with it is still under way';
    throw new FlotillaError('request.conflict', { what, reason });
  }
  if (known.request !== hash) {
    const reason = 'it was used for another request';
    throw new FlotillaError('request.conflict', { what, reason });
  }
  await reply
    .code(known.status)
    .header('idempotency-replayed', 'true')
    .type('application/json')
    .send(known.body);
}

/** A failure that may pass is forgotten, so that the same key can be tried again. */
async function finish({ db }: Parts, key: Key, status: number, payload: unknown): Promise<void> {
  if (status >= 400 || typeof payload !== 'string') {
    await whereKey(db.deleteFrom('idempotency_keys'), key).execute();
    return;
  }
  await whereKey(db.updateTable('idempotency_keys'), key).set({ status, body: payload }).execute();
}

/** Forgets answers after a day, and at start requests that a crash cut short. */
export async function forgetIdempotency(
  { db, now }: Parts,
  what: 'expired' | 'unfinished',
): Promise<void> {
  const rows = db.deleteFrom('idempotency_keys');
  await (what === 'expired'
    ? rows.where('created_ms', '<', now() - KEEP_MS)
    : rows.where('status', '=', 0)
  ).execute();
}

interface Filter<Q> {
  where(column: 'fleet' | 'actor' | 'key', operator: '=', value: string): Q;
}

function whereKey<Q extends Filter<Q>>(query: Q, { fleet, actor, key }: Key): Q {
  return query.where('fleet', '=', fleet).where('actor', '=', actor).where('key', '=', key);
}

/** An uploaded stream is told apart by its length only: it was not read yet. */
function fingerprint(request: FastifyRequest): string {
  const { method, url, body } = request;
  const isStream = typeof body === 'object' && body !== null && 'pipe' in body;
  const content = isStream ? request.headers['content-length'] : JSON.stringify(body ?? null);
  return createHash('sha256').update(`${method} ${url}\n${content}`).digest('hex');
}

import { FlotillaError } from '@flotilla/protocol';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ServerContext } from '../context.ts';
import { verifyDeviceJwt } from '../devices/device-auth.ts';
import { readFleet } from '../devices/fleets.ts';
import { hashToken } from '../trust/tokens.ts';
import { ALL_FLEETS } from '../trust/user-tokens.ts';
import { type Access, type Principal, permits } from './principal.ts';
import type { Throttle } from './throttle.ts';

declare module 'fastify' {
  interface FastifyRequest {
    principal: Principal;
  }
  interface FastifyContextConfig {
    /** Who may call; a route that does not say is for admins of the whole server. */
    access?: Access;
  }
}

type Parts = Pick<ServerContext, 'db' | 'now'>;
type Verdict =
  | { readonly ok: true; readonly principal: Principal }
  | { readonly ok: false; readonly reason: string };

/** How the secrets of people's tokens begin. */
const USER = 'flt_';
const NOBODY: Principal = { kind: 'nobody' };

/** Finds out who asks and whether the route is open to them, before anything else is read. */
export function addAuthentication(app: FastifyInstance, parts: Parts, throttle: Throttle): void {
  app.decorateRequest('principal');
  app.addHook('onRequest', async (request) => {
    const access = request.is404 ? 'public' : (request.routeOptions.config.access ?? 'admin');
    request.principal = await authenticate(parts, throttle, request, access);
    const { fleet } = request.params as { fleet?: string };
    const permission = permits(request.principal, access, fleet);
    if (!permission.granted) {
      const { role, needs } = permission;
      throw new FlotillaError('auth.forbidden', { role, needs });
    }
    // every other principal belongs to a fleet, which therefore exists
    const everywhere = request.principal.kind === 'user' && request.principal.fleet === ALL_FLEETS;
    if (everywhere && fleet !== undefined) await readFleet(parts.db, fleet);
  });
}

/** Whether a token that was good when a long answer began still is. */
export async function isStillGood({ db, now }: Parts, principal: Principal): Promise<boolean> {
  if (principal.kind !== 'user') return false;
  const row = await db
    .selectFrom('user_tokens')
    .select('expires_ms')
    .where('fleet', '=', principal.fleet)
    .where('token', '=', principal.token)
    .executeTakeFirst();
  return row !== undefined && !hasExpired(row.expires_ms, now());
}

async function authenticate(
  parts: Parts,
  throttle: Throttle,
  request: FastifyRequest,
  access: Access,
): Promise<Principal> {
  const address = request.ip;
  const seconds = throttle.wait(address);
  if (seconds > 0) throw new FlotillaError('auth.throttled', { address, seconds });
  if (access === 'public') return NOBODY;
  const bearer = bearerOf(request.headers.authorization);
  const verdict = await identify(parts, bearer);
  if (verdict.ok) return verdict.principal;
  // a signature cannot be guessed: a device with a wrong clock must not shut out its whole site
  if (bearer?.startsWith(USER)) throttle.failed(address);
  throw new FlotillaError('auth.required', { reason: verdict.reason });
}

const bearerOf = (header: string | undefined): string | undefined =>
  /^Bearer ([\w.~+/-]{1,4096}=*)$/i.exec(header ?? '')?.[1];

async function identify(parts: Parts, bearer: string | undefined): Promise<Verdict> {
  if (bearer === undefined) return { ok: false, reason: 'no token was sent' };
  if (bearer.startsWith(USER)) return identifyUser(parts, bearer);
  const device = await verifyDeviceJwt(parts, bearer);
  return device.ok ? { ok: true, principal: { kind: 'device', ...device } } : device;
}

async function identifyUser({ db, now }: Parts, secret: string): Promise<Verdict> {
  const row = await db
    .selectFrom('user_tokens')
    .select(['token', 'role', 'fleet', 'expires_ms'])
    .where('hash', '=', hashToken(secret))
    .executeTakeFirst();
  if (row === undefined) return { ok: false, reason: 'the token is unknown' };
  if (hasExpired(row.expires_ms, now())) return { ok: false, reason: 'the token has expired' };
  const { token, role, fleet } = row;
  return { ok: true, principal: { kind: 'user', token, role, fleet } };
}

const hasExpired = (expiresMs: number, now: number): boolean => expiresMs > 0 && expiresMs <= now;

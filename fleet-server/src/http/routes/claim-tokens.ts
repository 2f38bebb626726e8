import { Type } from 'typebox';
import type { ServerContext } from '../../context.ts';
import {
  type ClaimTokenRow,
  createClaimToken,
  deleteClaimToken,
  listClaimTokens,
} from '../../devices/claim-tokens.ts';
import type { Routes } from '../http.ts';
import { actorOf } from '../principal.ts';
import { FleetAnd, FleetParams, Id, Label, Millis, Tags } from '../schemas.ts';

const HOUR_MS = 3_600_000;
const YEAR_MS = 365 * 24 * HOUR_MS;

const ClaimToken = Type.Object({
  id: Id,
  label: Type.String(),
  usesLeft: Type.Integer(),
  expiresMs: Millis,
  tags: Type.Record(Type.String(), Type.String()),
  autoAccept: Type.Boolean(),
  token: Type.Optional(
    Type.String({ description: 'the secret, in the answer that makes it only' }),
  ),
});

const ClaimTokenBody = Type.Object({
  label: Type.Optional(Label),
  uses: Type.Optional(Type.Integer({ minimum: 1, maximum: 100_000, default: 1 })),
  validMs: Type.Optional(Type.Integer({ minimum: 1000, maximum: YEAR_MS, default: HOUR_MS })),
  tags: Type.Optional(Tags),
  autoAccept: Type.Optional(Type.Boolean({ default: true })),
});

const toItem = (row: ClaimTokenRow) => ({
  id: row.token,
  label: row.label,
  usesLeft: row.uses_left,
  expiresMs: row.expires_ms,
  tags: JSON.parse(row.tags) as Record<string, string>,
  autoAccept: row.auto_accept === 1,
});

/** Tokens that devices enroll with. */
export const claimTokenRoutes =
  (context: ServerContext): Routes =>
  async (app) => {
    const base = '/api/1/fleets/:fleet/claim-tokens';
    app.post(
      base,
      {
        config: { access: 'operator', secret: true },
        schema: {
          summary: 'Makes a token that devices enroll with',
          params: FleetParams,
          body: ClaimTokenBody,
          response: { 201: ClaimToken },
        },
      },
      async (request, reply) => {
        const {
          label = '',
          uses = 1,
          validMs = HOUR_MS,
          tags = {},
          autoAccept = true,
        } = request.body;
        const { row, secret } = await createClaimToken(context, actorOf(request.principal), {
          fleet: request.params.fleet,
          label,
          uses,
          validMs,
          tags,
          autoAccept,
        });
        reply.code(201);
        return { ...toItem(row), token: secret };
      },
    );
    app.get(
      base,
      {
        config: { access: 'operator' },
        schema: {
          params: FleetParams,
          response: { 200: Type.Object({ items: Type.Array(ClaimToken) }) },
        },
      },
      async (request) => ({
        items: (await listClaimTokens(context, request.params.fleet)).map(toItem),
      }),
    );
    app.delete(
      `${base}/:token`,
      { config: { access: 'operator' }, schema: { params: FleetAnd({ token: Id }) } },
      async (request, reply) => {
        const { fleet, token } = request.params;
        await deleteClaimToken(context, actorOf(request.principal), fleet, token);
        return reply.code(204).send();
      },
    );
  };

import { Type } from 'typebox';
import type { ServerContext } from '../../context.ts';
import {
  ALL_FLEETS,
  createUserToken,
  deleteUserToken,
  listUserTokens,
  type UserTokenRow,
} from '../../trust/user-tokens.ts';
import type { Routes } from '../http.ts';
import { actorOf } from '../principal.ts';
import { Id, Label, Millis, OptionalFleet } from '../schemas.ts';

const MAX_VALID_MS = 10 * 365 * 86_400_000;

const RoleSchema = Type.Union([
  Type.Literal('viewer'),
  Type.Literal('operator'),
  Type.Literal('approver'),
  Type.Literal('admin'),
]);

const UserToken = Type.Object({
  id: Id,
  label: Type.String(),
  role: RoleSchema,
  expiresMs: Type.Integer({ minimum: 0, description: '0: does not expire' }),
  createdMs: Millis,
  token: Type.Optional(
    Type.String({ description: 'the secret, in the answer that makes it only' }),
  ),
});

const toItem = (row: UserTokenRow) => ({
  id: row.token,
  label: row.label,
  role: row.role,
  expiresMs: row.expires_ms,
  createdMs: row.created_ms,
});

const UserTokenBody = Type.Object({
  label: Label,
  role: RoleSchema,
  validMs: Type.Optional(Type.Integer({ minimum: 0, maximum: MAX_VALID_MS, default: 0 })),
});

/** Tokens of people and programs: within one fleet, and over all of them. */
export const userTokenRoutes =
  (context: ServerContext): Routes =>
  async (app) => {
    const admin = { config: { access: 'admin' as const } };
    for (const base of ['/api/1/fleets/:fleet/tokens', '/api/1/tokens']) {
      app.post(
        base,
        {
          config: { ...admin.config, secret: true },
          schema: {
            summary: 'Makes a token for a person or program',
            params: OptionalFleet,
            body: UserTokenBody,
            response: { 201: UserToken },
          },
        },
        async ({ params: { fleet = ALL_FLEETS }, body, principal }, reply) => {
          const { label, role, validMs = 0 } = body;
          const order = { fleet, label, role, validMs };
          const { row, secret } = await createUserToken(context, actorOf(principal), order);
          reply.code(201);
          return { ...toItem(row), token: secret };
        },
      );
      app.get(
        base,
        {
          ...admin,
          schema: {
            params: OptionalFleet,
            response: { 200: Type.Object({ items: Type.Array(UserToken) }) },
          },
        },
        async ({ params: { fleet = ALL_FLEETS } }) => ({
          items: (await listUserTokens(context, fleet)).map(toItem),
        }),
      );
      app.delete(
        `${base}/:token`,
        { ...admin, schema: { params: Type.Interface([OptionalFleet], { token: Id }) } },
        async ({ params: { fleet = ALL_FLEETS, token }, principal }, reply) => {
          await deleteUserToken(context, actorOf(principal), fleet, token);
          return reply.code(204).send();
        },
      );
    }
  };

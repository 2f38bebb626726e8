import { Type } from 'typebox';
import type { ServerContext } from '../../context.ts';
import {
  createUserToken,
  deleteUserToken,
  listUserTokens,
  type UserTokenRow,
} from '../../trust/user-tokens.ts';
import type { Routes } from '../http.ts';
import { actorOf } from '../principal.ts';
import { FleetAnd, FleetParams, Id, Label, Millis } from '../schemas.ts';

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

/** Tokens of people and programs, within one fleet. */
export const userTokenRoutes =
  (context: ServerContext): Routes =>
  async (app) => {
    const base = '/api/1/fleets/:fleet/tokens';
    app.post(
      base,
      {
        config: { access: 'admin', secret: true },
        schema: {
          summary: 'Makes a token for a person or program',
          params: FleetParams,
          body: Type.Object({
            label: Label,
            role: RoleSchema,
            validMs: Type.Optional(Type.Integer({ minimum: 0, default: 0 })),
          }),
          response: { 201: UserToken },
        },
      },
      async (request, reply) => {
        const { label, role, validMs = 0 } = request.body;
        const { fleet } = request.params;
        const order = { fleet, label, role, validMs };
        const { row, secret } = await createUserToken(context, actorOf(request.principal), order);
        reply.code(201);
        return { ...toItem(row), token: secret };
      },
    );
    app.get(
      base,
      {
        config: { access: 'admin' },
        schema: {
          params: FleetParams,
          response: { 200: Type.Object({ items: Type.Array(UserToken) }) },
        },
      },
      async (request) => ({
        items: (await listUserTokens(context, request.params.fleet)).map(toItem),
      }),
    );
    app.delete(
      `${base}/:token`,
      { config: { access: 'admin' }, schema: { params: FleetAnd({ token: Id }) } },
      async (request, reply) => {
        const { fleet, token } = request.params;
        await deleteUserToken(context, actorOf(request.principal), fleet, token);
        return reply.code(204).send();
      },
    );
  };

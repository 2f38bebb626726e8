import { Type } from 'typebox';
import type { ServerContext } from '../../context.ts';
import { checkChain } from '../../trust/audit.ts';
import { ALL_FLEETS } from '../../trust/user-tokens.ts';
import type { Routes } from '../http.ts';
import { numberAfter, PageOf, PageQuery, pageOf, toPage } from '../page.ts';
import { Free, Millis, OptionalFleet } from '../schemas.ts';

const Entry = Type.Object({
  seq: Type.Integer(),
  atMs: Millis,
  actor: Type.String(),
  action: Type.String(),
  subject: Type.String(),
  detail: Free,
  hash: Type.String({ description: 'SHA-256 over this entry and the hash of the one before' }),
});

const Chain = Type.Object({
  entries: Type.Integer(),
  head: Type.String({ description: 'hash of the newest entry' }),
  brokenAt: Type.Optional(
    Type.Integer({ description: 'first entry that was changed or follows one taken out' }),
  ),
});

/** Who changed what: in a fleet, and of the server as a whole. */
export const auditRoutes =
  ({ db }: Pick<ServerContext, 'db'>): Routes =>
  async (app) => {
    for (const url of ['/api/1/fleets/:fleet/audit', '/api/1/audit']) {
      app.get(
        url,
        {
          config: { access: 'approver' },
          schema: {
            params: OptionalFleet,
            querystring: PageQuery,
            response: { 200: PageOf(Entry) },
          },
        },
        async ({ params: { fleet = ALL_FLEETS }, query }) => {
          const page = pageOf(query);
          const rows = await db
            .selectFrom('audit_log')
            .selectAll()
            .where('fleet', '=', fleet)
            .where('seq', '>', numberAfter(page))
            .orderBy('seq')
            .limit(page.limit)
            .execute();
          return toPage(
            rows,
            page,
            (row) => String(row.seq),
            ({ seq, at_ms, actor, action, subject, detail, hash }) => ({
              seq,
              atMs: at_ms,
              actor,
              action,
              subject,
              detail: JSON.parse(detail) as Record<string, unknown>,
              hash,
            }),
          );
        },
      );
      app.get(
        `${url}/check`,
        {
          config: { access: 'approver' },
          schema: {
            summary: 'Checks the hash of every entry',
            params: OptionalFleet,
            response: { 200: Chain },
          },
        },
        async ({ params: { fleet = ALL_FLEETS } }) => {
          const { brokenAt, ...chain } = await checkChain(db, fleet);
          return { ...chain, ...(brokenAt === undefined ? {} : { brokenAt }) };
        },
      );
    }
  };

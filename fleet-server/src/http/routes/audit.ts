import { Type } from 'typebox';
import type { ServerContext } from '../../context.ts';
import type { Routes } from '../http.ts';
import { PageOf, PageQuery, pageOf, toPage } from '../page.ts';
import { FleetParams, Free, Millis } from '../schemas.ts';

const Entry = Type.Object({
  seq: Type.Integer(),
  atMs: Millis,
  actor: Type.String(),
  action: Type.String(),
  subject: Type.String(),
  detail: Free,
  hash: Type.String({ description: 'SHA-256 over this entry and the hash of the one before' }),
});

/** Who changed what. */
export const auditRoutes =
  (context: ServerContext): Routes =>
  async (app) => {
    app.get(
      '/api/1/fleets/:fleet/audit',
      {
        config: { access: 'approver' },
        schema: { params: FleetParams, querystring: PageQuery, response: { 200: PageOf(Entry) } },
      },
      async (request) => {
        const page = pageOf(request.query);
        const rows = await context.db
          .selectFrom('audit_log')
          .selectAll()
          .where('fleet', '=', request.params.fleet)
          .where('seq', '>', Number(page.after))
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
  };

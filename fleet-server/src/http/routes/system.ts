import { Type } from 'typebox';
import type { ServerContext } from '../../context.ts';
import type { Routes } from '../http.ts';
import type { Metrics } from '../metrics.ts';
import { Millis } from '../schemas.ts';

/** Whether the server is well, what time it is, and what it counts. */
export const systemRoutes =
  (context: ServerContext, metrics: Metrics): Routes =>
  async (app) => {
    app.get(
      '/healthz',
      {
        config: { access: 'public' },
        schema: { response: { 200: Type.Object({ ok: Type.Boolean() }) } },
      },
      async () => {
        await context.db.selectFrom('fleets').select('fleet').limit(1).execute();
        return { ok: true };
      },
    );
    app.get(
      '/api/1/time',
      {
        config: { access: 'public' },
        schema: {
          summary: 'Wall clock of the server: a device asks before it signs a log-in',
          response: { 200: Type.Object({ wallMs: Millis }) },
        },
      },
      async () => ({ wallMs: context.now() }),
    );
    app.get(
      '/metrics',
      { config: { access: 'viewer' }, schema: { hide: true } },
      async (_, reply) => {
        reply.type(metrics.contentType);
        return metrics.render();
      },
    );
  };

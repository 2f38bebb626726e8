import { FlotillaError } from '@flotilla/protocol';
import type { FastifyReply } from 'fastify';
import { Type } from 'typebox';
import type { ServerContext } from '../../context.ts';
import { type Assets, buildDashboard } from '../../dashboard/build.ts';
import { pageHtml } from '../../dashboard/page.ts';
import type { Routes } from '../http.ts';

/** Nothing from elsewhere runs, loads or frames this page; nothing in it is read as HTML. */
const HEADERS = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    "img-src 'self' data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; '),
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
} as const;

/** The dashboard's page at `/`, and the script and style that it loads. */
export const dashboardRoutes =
  ({ config }: Pick<ServerContext, 'config'>): Routes =>
  async (app) => {
    const open = { config: { access: 'public' as const }, schema: { hide: true } };
    const secured = (reply: FastifyReply) => reply.headers(HEADERS);
    // made when the first person looks: a server that nobody looks at needs none
    let built: Promise<Assets> | undefined;
    const assets = (): Promise<Assets> => {
      built ??= buildDashboard().catch((error: unknown) => {
        built = undefined;
        throw error;
      });
      return built;
    };
    app.get('/', open, async (_, reply) => {
      const { script, style } = await assets();
      const page = pageHtml(config.fleet, { script: script.path, style: style.path });
      return secured(reply)
        .header('cache-control', 'no-cache')
        .type('text/html; charset=utf-8')
        .send(page);
    });
    app.get(
      '/assets/:file',
      {
        ...open,
        schema: { hide: true, params: Type.Object({ file: Type.String({ maxLength: 80 }) }) },
      },
      async ({ url, params: { file } }, reply) => {
        const { script, style } = await assets();
        const found = [script, style].find(({ path }) => path === `/assets/${file}`);
        if (found === undefined)
          throw new FlotillaError('server.not-found', { what: 'page', id: url });
        return secured(reply)
          .header('cache-control', 'public, max-age=31536000, immutable')
          .type(found.type)
          .send(found.body);
      },
    );
  };

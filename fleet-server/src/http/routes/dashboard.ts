import type { FastifyReply } from 'fastify';
import type { ServerContext } from '../../context.ts';
import { buildDashboard } from '../../dashboard/build.ts';
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
    const { script, style } = await buildDashboard();
    const open = { config: { access: 'public' as const }, schema: { hide: true } };
    const page = pageHtml(config.fleet, { script: script.path, style: style.path });
    const secured = (reply: FastifyReply) => reply.headers(HEADERS);
    app.get('/', open, (_, reply) =>
      secured(reply)
        .header('cache-control', 'no-cache')
        .type('text/html; charset=utf-8')
        .send(page),
    );
    for (const { path, type, body } of [script, style]) {
      app.get(path, open, (_, reply) =>
        secured(reply)
          .header('cache-control', 'public, max-age=31536000, immutable')
          .type(type)
          .send(body),
      );
    }
  };

import swagger from '@fastify/swagger';
import {
  type FastifyPluginAsyncTypebox,
  TypeBoxValidatorCompiler,
} from '@fastify/type-provider-typebox';
import fastify, { type FastifyBaseLogger, type FastifyInstance } from 'fastify';
import type { ServerContext } from '../context.ts';
import { addAuthentication } from './auth.ts';
import { addIdempotency } from './idempotency.ts';
import type { HttpListener } from './listener.ts';
import { addProblems } from './problem.ts';
import { createThrottle } from './throttle.ts';

/** A group of routes; each route says who may call it in `config.access`. */
export type Routes = FastifyPluginAsyncTypebox;

const MAX_BODY_BYTES = 1 << 20;

/** The HTTP API on a server that listens already. */
export async function createHttp(
  context: Pick<ServerContext, 'db' | 'log' | 'now'>,
  listener: HttpListener,
  routes: readonly Routes[],
): Promise<FastifyInstance> {
  const log: FastifyBaseLogger = context.log.child(
    { part: 'http' },
    { level: quieter(context.log.level) },
  );
  const app: FastifyInstance = fastify({
    loggerInstance: log,
    serverFactory: (handler) => listener.handle(handler),
    bodyLimit: MAX_BODY_BYTES,
    requestTimeout: 0,
    routerOptions: { maxParamLength: 200 },
    genReqId: () => crypto.randomUUID(),
  });
  app.setValidatorCompiler(TypeBoxValidatorCompiler);
  addProblems(app);
  addAuthentication(app, context, createThrottle(context.now));
  addIdempotency(app, context);
  await app.register(swagger, { openapi: openapi() });
  for (const group of routes) await app.register(group);
  app.get('/api/1/openapi.json', { config: { access: 'public' }, schema: { hide: true } }, () =>
    app.swagger(),
  );
  await app.ready();
  return app;
}

/** Fastify logs each request at info; that is detail here. */
const quieter = (level: string): string => (level === 'info' ? 'warn' : level);

function openapi() {
  return {
    openapi: '3.1.0',
    info: { title: 'Flotilla fleet server', version: '1' },
    components: {
      securitySchemes: { bearer: { type: 'http' as const, scheme: 'bearer' } },
    },
    security: [{ bearer: [] }],
  };
}

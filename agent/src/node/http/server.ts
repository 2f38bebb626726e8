import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { asFlotillaError, FlotillaError } from '@flotilla/protocol';
import { readBody } from './body.ts';
import { listenOn } from './listen.ts';
import { type HttpAnswer, jsonAnswer, type Route } from './route.ts';
import { createRouter, type Router } from './router.ts';

export interface LocalServer {
  /** Where it listens, in the order asked for: `http://127.0.0.1:PORT` or `unix:PATH`. */
  readonly addresses: readonly string[];
  close(): Promise<void>;
}

export interface LocalServerOptions {
  /** Each `HOST:PORT` of the loopback (port 0 is any) or `unix:PATH`. */
  readonly listen: readonly string[];
  readonly maxRequestBytes: number;
}

/** Longer than the pools of clients keep an idle connection, so that they close it and not we. */
const KEEP_ALIVE_MS = 72_000;
/** A bundle that comes from a slow stick. */
const LONGEST_REQUEST_MS = 3_600_000;
/** Longest time for the requests that run when the server ends. */
const GOODBYE_MS = 5_000;
const MAX_CONNECTIONS = 256;
const RETRY_AFTER_S = 1;
const BODY_TYPES = new Set(['application/json', 'application/octet-stream']);
/** How a browser names this machine in `Host`; another name was made to point here (DNS rebinding). */
const LOCAL_HOST = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/i;

/**
 * Serves a table of routes to programs on this machine, on all the addresses at once.
 *
 * @throws FlotillaError `agent.port-in-use`, `cli.usage`
 */
export async function serveLocal(
  routes: readonly Route[],
  { listen, maxRequestBytes }: LocalServerOptions,
): Promise<LocalServer> {
  const router = createRouter(routes);
  const servers: Server[] = [];
  const close = async () => {
    await Promise.all(servers.map(closeServer));
  };
  const addresses: string[] = [];
  try {
    for (const address of listen) {
      const server = createServer(
        { keepAliveTimeout: KEEP_ALIVE_MS, requestTimeout: LONGEST_REQUEST_MS },
        (request, response) => {
          void respond(router, maxRequestBytes, request, response);
        },
      );
      server.maxConnections = MAX_CONNECTIONS;
      addresses.push(await listenOn(server, address));
      servers.push(server);
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { addresses, close };
}

async function respond(
  router: Router,
  limit: number,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const answer = await answerTo(router, limit, request).catch(errorAnswer);
  if (response.destroyed) return;
  const body = typeof answer.body === 'string' ? Buffer.from(answer.body) : answer.body;
  // what was not read of a body would be taken for the next request
  const rest = request.complete ? {} : { connection: 'close' };
  response.writeHead(answer.status, { ...answer.headers, ...rest, 'content-length': body.length });
  response.end(body);
  request.resume();
}

async function answerTo(
  router: Router,
  limit: number,
  request: IncomingMessage,
): Promise<HttpAnswer> {
  const { method = '', url = '', headers } = request;
  refuseBrowsers(request);
  const { route, params } = router.match(method, url);
  if ('handleStream' in route) {
    const query = new URLSearchParams(url.split('?')[1]);
    // the connection must outlive a refusal, to carry it
    const body = request.iterator({ destroyOnReturn: false });
    return route.handleStream({ params, headers, query, body });
  }
  if (method === 'GET') return route.handle({ params, headers, body: Buffer.alloc(0) });
  const type = headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
  if (type !== undefined && !BODY_TYPES.has(type)) {
    throw new FlotillaError('http.media-type', { type: type.slice(0, 80) });
  }
  return route.handle({ params, headers, body: await readBody(request, limit) });
}

/**
 * There is no log-in, so a page of some web site that a browser on this machine shows must not
 * reach what is here: it sends its `Origin`, or comes by a name that was made to point here.
 */
function refuseBrowsers({ headers, method, socket }: IncomingMessage): void {
  const { origin, host } = headers;
  const overTcp = socket.remoteAddress !== undefined;
  if (overTcp && host !== undefined && !LOCAL_HOST.test(host)) {
    throw new FlotillaError('http.foreign', { what: `host ${host.slice(0, 80)}` });
  }
  if (origin !== undefined && method !== 'GET') {
    throw new FlotillaError('http.foreign', { what: `origin ${origin.slice(0, 80)}` });
  }
}

function errorAnswer(error: unknown): HttpAnswer {
  const { message, code, status } = asFlotillaError(error);
  const answer = jsonAnswer({ error: message, code }, status);
  if (status !== 503) return answer;
  return { ...answer, headers: { ...answer.headers, 'retry-after': RETRY_AFTER_S } };
}

const closeServer = (server: Server) =>
  new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
    // a bundle that comes slowly must not hold up the end
    setTimeout(() => server.closeAllConnections(), GOODBYE_MS).unref();
  });

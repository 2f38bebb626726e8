import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Duplex } from 'node:stream';
import { createWebSocketStream, WebSocketServer } from 'ws';
import { listenOn, urlHost } from './listen.ts';

/** An HTTP server that listens before anything is built on it, so that its URL is known early. */
export interface HttpListener {
  /** Where it listens, without a slash at the end. */
  readonly url: string;
  readonly port: number;
  /** Sets who answers; until then requests get 503. */
  handle(handler: RequestListener): Server;
  /** Sets who takes MQTT connections over WebSocket at `/mqtt`. */
  handleMqtt(accept: (stream: Duplex) => void): void;
  close(): Promise<void>;
}

export interface ListenerConfig {
  readonly host: string;
  readonly port: number;
  readonly tls?: { readonly cert: string; readonly key: string };
}

const IDLE_MS = 120_000;
const MAX_FRAME_BYTES = 2 << 20;

/** @throws FlotillaError `server.port-in-use` */
export async function listenHttp({ host, port, tls }: ListenerConfig): Promise<HttpListener> {
  let handler: RequestListener = (_request, response) => {
    response.writeHead(503, { 'retry-after': '1' }).end();
  };
  const answer: RequestListener = (request, response) => handler(request, response);
  const server = tls === undefined ? createServer(answer) : createTlsServer(tls, answer);
  server.keepAliveTimeout = 60_000;
  // An upload may take hours, but not stand still.
  server.requestTimeout = 0;
  server.timeout = IDLE_MS;
  const sockets = acceptWebSockets(server);
  const bound = await listenOn(server, host, port, 'HTTP server');
  return {
    url: `${tls === undefined ? 'http' : 'https'}://${urlHost(host)}:${bound}`,
    port: bound,
    handle(next) {
      handler = next;
      return server;
    },
    handleMqtt: (accept) => sockets.onStream(accept),
    async close() {
      sockets.close();
      if (!server.listening) return;
      const closed = new Promise((done) => server.close(done));
      server.closeAllConnections();
      await closed;
    },
  };
}

/** MQTT 3.1.1 §6: the subprotocol is `mqtt`, packets travel in binary frames. */
function acceptWebSockets(server: Server) {
  let accept: ((stream: Duplex) => void) | undefined;
  const upgrades = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_FRAME_BYTES,
    handleProtocols: (offered) => (offered.has('mqtt') ? 'mqtt' : false),
  });
  server.on('upgrade', (request, socket, head) => {
    const path = request.url?.split('?', 1)[0];
    if (path !== '/mqtt' || accept === undefined) {
      socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n');
      return;
    }
    upgrades.handleUpgrade(request, socket, head, (connection) => {
      accept?.(createWebSocketStream(connection));
    });
  });
  return {
    onStream: (next: (stream: Duplex) => void) => {
      accept = next;
    },
    close() {
      for (const connection of upgrades.clients) connection.terminate();
      upgrades.close();
    },
  };
}

import { createServer as createTcpServer, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createServer as createTlsServer } from 'node:tls';
import { MAX_PAYLOAD_BYTES, SERVER_SUBSCRIPTION } from '@flotilla/protocol';
import { Aedes, type AedesPublishPacket, type Client } from 'aedes';
import type { Logger } from 'pino';
import { listenOn, urlHost } from '../http/listen.ts';
import { createGuard, type DeviceLogin } from './guard.ts';
import { withPacketLimit } from './packet-meter.ts';
import type { Broker, UpMessage } from './port.ts';

export interface AedesConfig {
  readonly host: string;
  readonly port: number;
  readonly tls?: { readonly cert: string; readonly key: string };
  readonly login: DeviceLogin;
  readonly log: Logger;
}

/** The embedded broker also takes streams from elsewhere: MQTT over WebSocket. */
export interface EmbeddedBroker extends Broker {
  accept(stream: Duplex): void;
}

/** Room for topic and header beside the payload. */
const MAX_PACKET_BYTES = MAX_PAYLOAD_BYTES + 1024;
/** A connection that says nothing for longer is gone; devices say something each half minute. */
const MAX_KEEPALIVE_S = 600;

/**
 * aedes in this process: MQTT 3.1.1 with a device's own topics only. Its memory holds retained
 * states and sessions and is lost with the process; devices say everything again when they connect.
 *
 * @throws FlotillaError `server.port-in-use`
 */
export async function startAedes(config: AedesConfig): Promise<EmbeddedBroker> {
  const { log, tls } = config;
  const aedes = await Aedes.createBroker({
    ...createGuard(config),
    maxClientsIdLength: 64,
    keepaliveLimit: MAX_KEEPALIVE_S,
  });
  aedes.on('clientError', (client, error) =>
    log.debug({ client: client.id, reason: error.message }, 'mqtt client error'),
  );
  aedes.on('connectionError', (_, error) =>
    log.debug({ reason: error.message }, 'mqtt connection error'),
  );
  const clients = trackClients(aedes);
  const accept = (stream: Duplex) => {
    aedes.handle(withPacketLimit(stream, MAX_PACKET_BYTES));
  };
  const sockets = new Set<Socket>();
  const onSocket = (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    accept(socket.setNoDelay(true));
  };
  const server = tls === undefined ? createTcpServer(onSocket) : createTlsServer(tls, onSocket);
  const port = await listenOn(server, config.host, config.port, 'MQTT broker').catch(
    async (error) => {
      await closeAedes(aedes);
      throw error;
    },
  );
  return {
    url: `${tls === undefined ? 'mqtt' : 'mqtts'}://${urlHost(config.host)}:${port}`,
    accept,
    publish: (topic, payload, { qos, retain }) =>
      new Promise((resolve, reject) => {
        aedes.publish(
          { cmd: 'publish', topic, payload: Buffer.from(payload), dup: false, qos, retain },
          (error) => (error ? reject(error) : resolve()),
        );
      }),
    onUp(handler) {
      const deliver = (packet: AedesPublishPacket, done: () => void) => {
        handler(toMessage(packet));
        done();
      };
      aedes.subscribe(SERVER_SUBSCRIPTION, deliver, () => {});
    },
    // it is in this process
    onReconnect: () => undefined,
    provision: async () => undefined,
    async revoke(_fleet, device) {
      clients.get(device)?.close();
    },
    async close() {
      const closed = closeServer(server);
      await closeAedes(aedes);
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** Connected clients by id. */
function trackClients(aedes: Aedes): ReadonlyMap<string, Client> {
  const clients = new Map<string, Client>();
  aedes.on('client', (client) => clients.set(client.id, client));
  aedes.on('clientDisconnect', (client) => {
    if (clients.get(client.id) === client) clients.delete(client.id);
  });
  return clients;
}

function toMessage({ topic, payload, retain }: AedesPublishPacket): UpMessage {
  const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
  return { topic, payload: bytes, retained: retain };
}

const closeAedes = (aedes: Aedes) => new Promise<void>((done) => aedes.close(done));
const closeServer = (server: Server) => new Promise<void>((done) => server.close(() => done()));

import { FlotillaError, mqttEndpoint } from '@flotilla/protocol';
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import type { Connection, ConnectOptions, Transport } from '../core/index.ts';

const CONNECT_TIMEOUT_MS = 15_000;
const CLOSE_TIMEOUT_MS = 1_000;
const KEEPALIVE_S = 30;
/** CONNACK return codes "bad user name or password" and "not authorized" (MQTT 3.1.1 §3.2.2.3). */
const REFUSED: ReadonlySet<unknown> = new Set([4, 5]);

/**
 * MQTT 3.1.1 by mqtt.js, each call a client of its own: it neither reconnects nor queues, because
 * every log-in is signed anew and the outbox is ours.
 */
export function createMqttTransport(): Transport {
  return {
    async connect(options) {
      const client = mqtt.connect(clientOptions(options));
      client.on('message', (topic, payload) => options.onMessage(topic, payload));
      await opened(client, options.url);
      return createConnection(client, options);
    },
  };
}

const clientOptions = (options: ConnectOptions): IClientOptions => ({
  ...mqttEndpoint(options.url),
  protocolVersion: 4,
  clean: true,
  clientId: options.clientId,
  username: options.username,
  password: options.password,
  will: options.will && {
    topic: options.will.topic,
    payload: Buffer.from(options.will.payload),
    qos: 1,
    retain: true,
  },
  reconnectPeriod: 0,
  connectTimeout: CONNECT_TIMEOUT_MS,
  keepalive: KEEPALIVE_S,
  queueQoSZero: false,
  // one Buffer for each number of two bytes, 65,536 of them: 10 MB to spare a few allocations
  writeCache: false,
  resubscribe: false,
});

function opened(client: MqttClient, url: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let reason = 'the connection was closed';
    client.once('connect', () => resolve());
    client.on('error', (error) => {
      reason = error.message || ('code' in error ? String(error.code) : error.name);
      const refused = 'code' in error && REFUSED.has(error.code);
      const code = refused ? 'agent.login-refused' : 'agent.unreachable';
      reject(new FlotillaError(code, { url, reason }, { cause: error }));
      client.end(true);
    });
    client.once('close', () => reject(new FlotillaError('agent.unreachable', { url, reason })));
  });
}

function createConnection(client: MqttClient, { url, onClose }: ConnectOptions): Connection {
  const waiting = new Set<(error: Error) => void>();
  let gone: FlotillaError | undefined;
  let reason = 'the connection was closed';
  client.on('error', (error) => {
    reason = error.message;
  });
  client.once('close', () => {
    gone = new FlotillaError('agent.unreachable', { url, reason });
    for (const reject of waiting) reject(gone);
    waiting.clear();
    client.end(true);
    onClose(reason);
  });

  /** An operation that the connection did not outlive fails; mqtt.js would let it wait for ever. */
  const whileOpen = (start: (done: (error?: Error | null) => void) => void): Promise<void> =>
    new Promise((resolve, reject) => {
      if (gone !== undefined) return reject(gone);
      waiting.add(reject);
      start((error) => {
        waiting.delete(reject);
        if (error) reject(error);
        else resolve();
      });
    });

  return {
    publish: (topic, payload, { qos, retain = false }) =>
      whileOpen((done) => client.publish(topic, Buffer.from(payload), { qos, retain }, done)),
    subscribe: (filters) =>
      whileOpen((done) =>
        client.subscribe([...filters], { qos: 1 }, (error, granted) => {
          const refused = granted?.find(({ qos }) => qos === 128);
          done(error ?? (refused ? new Error(`${refused.topic} was not granted`) : null));
        }),
      ),
    close: () => closeClient(client),
  };
}

/** DISCONNECT first, so that no will is published; what is not acknowledged by then stays so. */
function closeClient(client: MqttClient): Promise<void> {
  return new Promise((resolve) => {
    const force = setTimeout(() => client.end(true, {}, () => resolve()), CLOSE_TIMEOUT_MS);
    client.end(false, {}, () => {
      clearTimeout(force);
      resolve();
    });
  });
}

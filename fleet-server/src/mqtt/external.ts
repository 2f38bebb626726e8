import { FlotillaError, mqttEndpoint, SERVER_SUBSCRIPTION } from '@flotilla/protocol';
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import type { Logger } from 'pino';
import { createDynsec } from './dynsec.ts';
import type { Broker, UpMessage } from './port.ts';

export interface ExternalConfig {
  /** `mqtt://host:port`, `mqtts://…`, `ws://…/mqtt` */
  readonly url: string;
  readonly username: string;
  readonly password: string;
  /** Stable and of this server alone, so that a new connection ends the old one. */
  readonly clientId: string;
  /** `dynsec`: devices get accounts by Mosquitto's plugin; `none`: the broker knows them already. */
  readonly accounts: 'dynsec' | 'none';
  /** What the broker says, retained, when this server is gone without a word. */
  readonly will?: { readonly topic: string; readonly payload: Uint8Array };
  readonly log: Logger;
  readonly connectTimeoutMs?: number;
}

/** Connack codes of "unacceptable protocol version" in 3.1.1 (§3.2.2.3) and 5 (§3.2.2.2). */
const WRONG_VERSION = new Set([1, 132]);

/**
 * Any MQTT broker outside, over MQTT 5 where it has it and 3.1.1 where not. While it is away
 * nothing is queued here: devices ask again when they connect.
 *
 * @throws FlotillaError `server.broker-offline`, `server.broker-refused`
 */
export async function connectExternal(config: ExternalConfig): Promise<Broker> {
  const client = await connectNewest(config);
  const { log, url } = config;
  const handlers: ((message: UpMessage) => void)[] = [];
  const reconnected: (() => void)[] = [];
  client.on('message', (topic, payload, { retain }) => {
    for (const handler of handlers) handler({ topic, payload, retained: retain });
  });
  const subscribe = async () => {
    const [granted] = await client.subscribeAsync(SERVER_SUBSCRIPTION, { qos: 1 });
    if ((granted?.qos ?? 128) < 128) return;
    throw new FlotillaError('server.broker-refused', { url, reason: 'the subscription' });
  };
  const dynsec = config.accounts === 'dynsec' ? createDynsec(client, url) : undefined;
  client.on('connect', () => {
    log.info({ url }, 'connected to the broker');
    if (handlers.length > 0) subscribe().catch((error) => log.error(error.message));
    for (const handler of reconnected) handler();
  });
  client.on('close', () => log.warn({ url }, 'connection to the broker is down'));
  client.on('error', (error) => log.warn({ url, reason: error.message }, 'broker error'));
  return {
    url,
    async publish(topic, payload, { qos, retain }) {
      if (!client.connected) throw new FlotillaError('server.broker-offline', { url });
      await client.publishAsync(topic, Buffer.from(payload), { qos, retain });
    },
    onUp(handler) {
      handlers.push(handler);
      subscribe().catch((error) => log.error(error.message));
    },
    onReconnect: (handler) => {
      reconnected.push(handler);
    },
    provision: async (fleet, device) => dynsec?.provision(fleet, device),
    revoke: async (fleet, device) => dynsec?.revoke(fleet, device),
    close: () => client.endAsync(),
  };
}

async function connectNewest(config: ExternalConfig): Promise<MqttClient> {
  try {
    return await connectWith(config, 5);
  } catch (error) {
    if (!WRONG_VERSION.has(codeOf(error))) throw refusal(config.url, error);
  }
  return connectWith(config, 4).catch((error) => {
    throw refusal(config.url, error);
  });
}

/** Resolves at the first connection; from then on mqtt.js reconnects by itself. */
function connectWith(config: ExternalConfig, protocolVersion: 4 | 5): Promise<MqttClient> {
  const options: IClientOptions = {
    ...mqttEndpoint(config.url),
    clientId: config.clientId,
    protocolVersion,
    clean: true,
    queueQoSZero: false,
    reconnectPeriod: 1000,
    connectTimeout: config.connectTimeoutMs ?? 10_000,
    ...(config.will === undefined ? {} : { will: willOf(config.will) }),
    ...(config.username === '' ? {} : { username: config.username, password: config.password }),
  };
  return mqtt.connectAsync('', options, false);
}

const willOf = ({ topic, payload }: NonNullable<ExternalConfig['will']>) => ({
  topic,
  payload: Buffer.from(payload),
  qos: 1 as const,
  retain: true,
});

function codeOf(error: unknown): number {
  const { code } = error as { code?: unknown };
  return typeof code === 'number' ? code : -1;
}

function refusal(url: string, error: unknown): FlotillaError {
  const reason = error instanceof Error ? error.message : String(error);
  if (codeOf(error) > 0) {
    return new FlotillaError('server.broker-refused', { url, reason }, { cause: error });
  }
  return new FlotillaError('server.broker-offline', { url }, { cause: error });
}

import {
  type Draft,
  deviceTopics,
  encode,
  FlotillaError,
  PROTOCOL_MINOR,
  readJson,
  type State,
  type Sync,
} from '@flotilla/protocol';
import { type BackoffOptions, createBackoff } from '../backoff.ts';
import { createQueue } from '../durable.ts';
import type { Identity } from '../identity.ts';
import type { Journal } from '../journal.ts';
import type { Connection, Credentials, Fetcher, Logger, Random, Transport } from '../ports.ts';
import { readBody } from '../trust.ts';
import type { FleetClock } from './fleet-clock.ts';

export interface LinkPorts {
  readonly identity: Identity;
  readonly journal: Journal;
  readonly transport: Transport;
  readonly fetcher: Fetcher;
  readonly credentials: Credentials;
  readonly clock: FleetClock;
  readonly random: Random;
  readonly logger: Logger;
  readonly backoff: BackoffOptions;
}

export interface LinkHandlers {
  /** What the device says of itself; what the link knows (`at`, `online` …) is filled in. */
  birth(): Promise<Draft<State>>;
  sync(): Draft<Sync>;
  received(topic: string, payload: Uint8Array): void;
  connected(connection: Connection): void;
  disconnected(): void;
}

export interface Link {
  readonly online: boolean;
  /** Publishes the state anew, because what it says has changed. */
  announce(): void;
  publish(topic: string, payload: Uint8Array, options: { qos: 0 | 1 }): Promise<void>;
  /** Says goodbye and ends. */
  stop(): Promise<void>;
}

/** A connection that lasted this long was a good one: the next try comes soon. */
const GOOD_CONNECTION_MS = 60_000;

/** A broker that does not answer must not hold up the end. */
const GOODBYE_MS = 2_000;

interface Live {
  readonly connection: Connection;
  readonly connectSeq: number;
}

/** Keeps the device connected for as long as it can: each try is a log-in of its own. */
export function startLink(ports: LinkPorts, handlers: LinkHandlers): Link {
  const { identity, clock, logger } = ports;
  const topics = deviceTopics(identity.fleet, identity.device);
  const stopping = new AbortController();
  const backoff = createBackoff(ports.backoff, ports.random);
  const inOrder = createQueue();
  let live: Live | undefined;

  const state = async (connectSeq: number, online: boolean) => {
    const rest = online ? { ...(await handlers.birth()), protocolMinor: PROTOCOL_MINOR } : {};
    return encode('State', { ...rest, at: clock.stamp(), online, connectSeq });
  };

  async function connect(): Promise<{ live: Live; closed: Promise<string> }> {
    await askTime(ports);
    const connectSeq = await nextConnectSeq(ports.journal);
    const { promise: closed, resolve: onClose } = Promise.withResolvers<string>();
    const { url, username, password } = identity.mqtt;
    const connection = await ports.transport.connect({
      url,
      clientId: identity.device,
      username,
      password: password ?? (await ports.credentials.token(clock.now())),
      will: { topic: topics.up.state, payload: await state(connectSeq, false) },
      onMessage: handlers.received,
      onClose,
    });
    return { live: { connection, connectSeq }, closed };
  }

  /** One after the other, so that nothing is said after the goodbye. */
  const say = ({ connection, connectSeq }: Live, online: boolean): Promise<void> =>
    inOrder(async () => {
      if (online && stopping.signal.aborted) return;
      const payload = await state(connectSeq, online);
      await connection.publish(topics.up.state, payload, { qos: 1, retain: true });
    });

  async function greet(opened: Live): Promise<void> {
    const { connection } = opened;
    await connection.subscribe(topics.subscriptions);
    await say(opened, true);
    const sync = encode('Sync', { ...handlers.sync(), at: clock.stamp() });
    await connection.publish(topics.up.sync, sync, { qos: 1 });
  }

  async function once(): Promise<void> {
    const { live: opened, closed } = await connect();
    const sinceMs = clock.monotonic();
    live = opened;
    try {
      if (stopping.signal.aborted) return;
      const ended = closed.then((reason) => {
        throw unreachable(identity.mqtt.url, reason);
      });
      await Promise.race([greet(opened), ended]);
      handlers.connected(opened.connection);
      logger.info('connected', { connectSeq: opened.connectSeq });
      const reason = await closed;
      if (!stopping.signal.aborted) logger.warn('connection lost', { reason });
    } finally {
      live = undefined;
      handlers.disconnected();
      if (clock.monotonic() - sinceMs > GOOD_CONNECTION_MS) backoff.reset();
      await opened.connection.close().catch(() => undefined);
    }
  }

  async function loop(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        await once();
      } catch (error) {
        logger.warn('not connected', { reason: error instanceof Error ? error.message : error });
      }
      await clock.sleep(backoff.next(), stopping.signal);
    }
  }

  const running = loop();

  return {
    get online() {
      return live !== undefined;
    },
    announce() {
      if (live !== undefined) {
        say(live, true).catch((error) => logger.debug('state not published', { error }));
      }
    },
    async publish(topic, payload, options) {
      if (live === undefined) throw unreachable(identity.mqtt.url, 'not connected');
      await live.connection.publish(topic, payload, options);
    },
    async stop() {
      stopping.abort();
      const last = live;
      if (last !== undefined) {
        const goodbye = say(last, false).then(() => last.connection.close());
        await Promise.race([goodbye.catch(() => undefined), clock.sleep(GOODBYE_MS)]);
        await last.connection.close();
      }
      await running;
    },
  };
}

/** Rises at each CONNECT and is on the medium before it: it dates wills (DESIGN §4). */
async function nextConnectSeq(journal: Journal): Promise<number> {
  await journal.update((draft) => {
    draft.connectSeq += 1;
  });
  return journal.state.connectSeq;
}

/** A log-in signed by a clock that is wrong would be refused. */
async function askTime({ identity, fetcher, clock, logger }: LinkPorts): Promise<void> {
  const url = `${identity.api}/api/1/time`;
  const askedMs = clock.monotonic();
  const response = await fetcher.get(url).catch((error) => {
    // HTTP may be barred where MQTT is not: the log-in then goes by the device's own clock
    logger.debug('time not told', { error });
    return undefined;
  });
  if (response === undefined) return;
  const body = readJson(await readBody(response.body, 4096, url), { maxBytes: 4096 });
  const value = body.ok ? body.value : undefined;
  const wallMs =
    typeof value === 'object' && value !== null && 'wallMs' in value ? value.wallMs : undefined;
  if (response.status !== 200 || typeof wallMs !== 'number' || !(wallMs > 0)) {
    throw unreachable(url, `answered ${response.status} without the time`);
  }
  clock.setServerTime(wallMs, askedMs);
}

const unreachable = (url: string, reason: string) =>
  new FlotillaError('agent.unreachable', { url, reason });

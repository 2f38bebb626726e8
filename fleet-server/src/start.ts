import { readFile } from 'node:fs/promises';
import { encode, FlotillaError, fleetTopics, newId } from '@flotilla/protocol';
import type { Logger } from 'pino';
import { type App, createApp } from './app.ts';
import { createChanges } from './changes.ts';
import type { ServerConfig } from './config.ts';
import type { ServerContext } from './context.ts';
import { type DataFolder, openDataFolder } from './data-folder.ts';
import { openDatabase } from './db/open.ts';
import { createBlobTransfer } from './devices/blob-transfer.ts';
import { verifyDeviceJwt } from './devices/device-auth.ts';
import { createFleet, publishHalts } from './devices/fleets.ts';
import { createIngest } from './devices/ingest.ts';
import { forgetPresence } from './devices/presence.ts';
import { createRouter } from './devices/router.ts';
import { createHttp } from './http/http.ts';
import { forgetIdempotency } from './http/idempotency.ts';
import { isLoopback } from './http/listen.ts';
import { type HttpListener, listenHttp } from './http/listener.ts';
import { createMetrics, type Metrics } from './http/metrics.ts';
import { allRoutes } from './http/routes/index.ts';
import { createLog } from './log.ts';
import { openBroker } from './mqtt/open.ts';
import { openArtifactFolder } from './registry/artifacts.ts';
import { nodeFileSystem } from './registry/file-system.ts';
import { openSigner } from './trust/keys.ts';
import { createTrust } from './trust/trust.ts';
import { createFirstToken } from './trust/user-tokens.ts';
import { VERSION } from './version.ts';

export interface RunningServer {
  /** Of the HTTP API and the dashboard. */
  readonly url: string;
  readonly mqttUrl: string;
  readonly fleet: string;
  /** Secret of an admin token, at the first start only: it is stored nowhere. */
  readonly adminToken?: string;
  close(): Promise<void>;
}

export interface StartOptions {
  /** Default: JSON lines on standard error. */
  readonly log?: Logger;
  /** Wall-clock milliseconds; default: this machine's. */
  readonly now?: () => number;
}

const HOUR_MS = 3_600_000;

/**
 * Starts a fleet server: HTTP API, MQTT, builder, rollouts. When it fails, nothing stays open.
 *
 * @throws FlotillaError `server.insecure-listen`, `server.port-in-use`, `server.data-in-use`,
 *   `server.data-foreign`, `server.data-newer`, `server.database-unreachable`, `server.broker-offline`
 */
export async function startServer(
  config: ServerConfig,
  options: StartOptions = {},
): Promise<RunningServer> {
  const closers: (() => unknown)[] = [];
  const close = async () => {
    for (let closer = closers.pop(); closer !== undefined; closer = closers.pop()) await closer();
  };
  try {
    return { ...(await start(config, options, (closer) => closers.push(closer))), close };
  } catch (error) {
    await close();
    throw error;
  }
}

type OnClose = (closer: () => unknown) => void;

async function start(config: ServerConfig, options: StartOptions, onClose: OnClose) {
  refuseInsecure(config);
  const tls = await readTls(config);
  // a port that is taken must not leave a new data folder behind
  const listener = await listenHttp({ host: config.listen, port: config.port, ...tls });
  onClose(() => listener.close());
  const folder = await openDataFolder(config.data);
  onClose(() => folder.close());
  const { context, ready } = await createContext(config, options, folder, listener, tls, onClose);
  const app = await createApp(context, {
    builds: folder.folder('builds'),
    deltas: folder.file('deltas'),
  });
  onClose(() => app.close());
  const metrics = createMetrics(context);
  await prepare(context, app, metrics);
  const http = await createHttp(context, listener, allRoutes(context, app, metrics));
  onClose(() => http.close());
  onClose(startTimers(context, app));
  onClose(await announce(context));
  ready();
  await app.builder.resume();
  // last: a start that failed after it would have made a token that nobody was ever shown
  const adminToken = await createFirstToken(context);
  const url = context.apiUrl();
  const mqttUrl = context.mqttUrl();
  context.log.info({ url, mqttUrl, data: folder.path }, 'fleet server is up');
  const first = adminToken === undefined ? {} : { adminToken };
  return { url, mqttUrl, fleet: config.fleet, ...first };
}

async function createContext(
  config: ServerConfig,
  options: StartOptions,
  folder: DataFolder,
  listener: HttpListener,
  tls: Awaited<ReturnType<typeof readTls>>,
  onClose: OnClose,
): Promise<{ context: ServerContext; ready: () => void }> {
  const log = options.log ?? createLog(config.logLevel);
  const now = options.now ?? Date.now;
  const instance = newId();
  const database = await openDatabase(
    config.database === ''
      ? { kind: 'sqlite', file: folder.file('fleet.db') }
      : { kind: 'postgres', url: config.database },
  );
  onClose(() => database.close());
  const { db, dialect, transactAll } = database;
  const signer = await openSigner(folder.file('keys'), nodeFileSystem);
  const artifacts = await openArtifactFolder(folder.file('artifacts'), nodeFileSystem);
  const { promise: isReady, resolve: ready } = Promise.withResolvers<void>();
  const login = (fleet: string, device: string, jwt: string) =>
    isReady.then(() => verifyDeviceJwt({ db, now }, jwt, { fleet, device }));
  const broker = await openBroker({
    config,
    id: folder.id,
    instance,
    login,
    log,
    listener,
    ...tls,
  });
  onClose(() => broker.close());
  const context: ServerContext = {
    config,
    log,
    db,
    dialect,
    transactAll,
    now,
    instance,
    changes: createChanges(instance),
    broker,
    artifacts,
    trust: createTrust({ db, dialect, signer, now }),
    apiUrl: () => (config.publicUrl === '' ? listener.url : config.publicUrl.replace(/\/+$/, '')),
    mqttUrl: () => (config.publicMqttUrl === '' ? broker.url : config.publicMqttUrl),
  };
  return { context, ready };
}

/** Brings the data to where a running server expects it, and listens to devices. */
async function prepare(context: ServerContext, app: App, metrics: Metrics): Promise<void> {
  const { broker, config, trust } = context;
  await forgetIdempotency(context, 'unfinished');
  if (config.broker === '') await forgetPresence(context);
  await createFleet(context, 'server', config.fleet);
  await trust.checkKey();
  await trust.refresh();
  const ingest = createIngest(context, app.handlers);
  broker.onUp(
    createRouter(
      context,
      app.handlers,
      ingest,
      createBlobTransfer({ ...context, ...app }),
      metrics.received,
    ),
  );
}

/** What must be done again and again; each failure is logged and the next turn tries again. */
function startTimers(context: ServerContext, { deltas }: App): () => void {
  const hourly = async () => {
    await context.trust.refresh();
    await forgetIdempotency(context, 'expired');
    await deltas.collect();
  };
  const timer = setInterval(() => {
    hourly().catch((error: Error) => context.log.error({ reason: error.message }, 'hourly work'));
  }, HOUR_MS);
  timer.unref();
  return () => clearInterval(timer);
}

/** Tells the fleet that this server is there, and, on the way out, that it is gone. */
async function announce(context: ServerContext): Promise<() => Promise<void>> {
  const { broker, config, instance, log, now } = context;
  const say = async (online: boolean) => {
    const at = { wallMs: now(), monotonicMs: Math.round(performance.now()), clockSynced: true };
    const payload = encode('ServerState', { at, online, version: VERSION });
    const topic = fleetTopics(config.fleet).server(instance);
    await broker.publish(topic, payload, { qos: 1, retain: true }).catch((error: Error) => {
      log.debug({ reason: error.message }, 'server state not published');
    });
  };
  const sayAll = async () => {
    await publishHalts(context);
    await say(true);
  };
  // a broker that was away has published our will, and may have forgotten what it kept
  broker.onReconnect(() => {
    sayAll().catch((error: Error) => log.warn({ reason: error.message }, 'not announced again'));
  });
  await sayAll();
  return () => say(false);
}

/** @throws FlotillaError `server.insecure-listen` */
function refuseInsecure({ listen, tlsCert, insecure }: ServerConfig): void {
  if (isLoopback(listen) || tlsCert !== '' || insecure) return;
  throw new FlotillaError('server.insecure-listen', { address: listen });
}

async function readTls({ tlsCert, tlsKey }: ServerConfig) {
  if (tlsCert === '') return {};
  const read = (key: string, file: string) =>
    readFile(file, 'utf8').catch((cause) => {
      const reason = `${file} cannot be read (${cause.code})`;
      throw new FlotillaError('config.invalid', { key, reason }, { cause });
    });
  const [cert, key] = await Promise.all([read('tlsCert', tlsCert), read('tlsKey', tlsKey)]);
  return { tls: { cert, key } };
}

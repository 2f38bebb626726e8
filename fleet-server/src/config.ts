import { FlotillaError, isFleet } from '@flotilla/protocol';

interface Key<T> {
  readonly default: T;
  /** Environment variable that sets it. */
  readonly env: string;
  readonly doc: string;
}

const key = <T extends string | number | boolean>(
  fallback: T,
  env: string,
  doc: string,
): Key<T> => ({
  default: fallback,
  env,
  doc,
});

const GIB = 2 ** 30;

/** Every setting of the fleet server: default, environment variable, and what it does. */
export const CONFIG = {
  data: key<string>('./data', 'FLOTILLA_DATA', 'folder that holds all state of this server'),
  listen: key<string>('127.0.0.1', 'FLOTILLA_LISTEN', 'address that HTTP and MQTT listen on'),
  port: key<number>(8080, 'FLOTILLA_PORT', 'port of HTTP and of MQTT over WebSocket; 0: any'),
  mqttPort: key<number>(1883, 'FLOTILLA_MQTT_PORT', 'port of the embedded MQTT broker; 0: any'),
  publicUrl: key<string>(
    '',
    'FLOTILLA_PUBLIC_URL',
    'URL under which devices reach HTTP; empty: where it listens',
  ),
  publicMqttUrl: key<string>(
    '',
    'FLOTILLA_PUBLIC_MQTT_URL',
    'URL under which devices reach MQTT; empty: where it listens',
  ),
  tlsCert: key<string>(
    '',
    'FLOTILLA_TLS_CERT',
    'PEM file with the certificate chain for HTTPS and MQTTS',
  ),
  tlsKey: key<string>('', 'FLOTILLA_TLS_KEY', 'PEM file with the private key of tlsCert'),
  insecure: key<boolean>(false, 'FLOTILLA_INSECURE', 'listen beyond this machine without TLS'),
  fleet: key<string>('default', 'FLOTILLA_FLEET', 'fleet that is made at the first start'),
  database: key<string>(
    '',
    'FLOTILLA_DATABASE',
    'postgres:// URL; empty: SQLite in the data folder',
  ),
  broker: key<string>(
    '',
    'FLOTILLA_BROKER',
    'mqtt:// URL of a broker outside; empty: the embedded one',
  ),
  brokerUser: key<string>(
    '',
    'FLOTILLA_BROKER_USER',
    'user name of the server at the broker outside',
  ),
  brokerPassword: key<string>('', 'FLOTILLA_BROKER_PASSWORD', 'password of brokerUser'),
  brokerAccounts: key<string>(
    'dynsec',
    'FLOTILLA_BROKER_ACCOUNTS',
    'how devices get accounts there: dynsec (Mosquitto) or none',
  ),
  telemetryWindowMs: key<number>(
    60_000,
    'FLOTILLA_TELEMETRY_WINDOW_MS',
    'length of the windows that devices report, ms',
  ),
  maxLatencyMs: key<number>(
    0,
    'FLOTILLA_MAX_LATENCY_MS',
    'longest median run of a model in its self-test on a device, ms; 0: as the device says',
  ),
  maxModelBytes: key<number>(
    0,
    'FLOTILLA_MAX_MODEL_BYTES',
    'most memory that a model may take in its self-test on a device, bytes; 0: as the device says',
  ),
  watchLatencyFactor: key<number>(
    0,
    'FLOTILLA_WATCH_LATENCY_FACTOR',
    'a watched model that is slower than in its self-test by this factor is undone; 0: as the device says',
  ),
  watchMemoryBytes: key<number>(
    0,
    'FLOTILLA_WATCH_MEMORY_BYTES',
    'growth of an agent beyond what a watched model states that undoes it; 0: as the device says',
  ),
  maxUploadBytes: key<number>(
    8 * GIB,
    'FLOTILLA_MAX_UPLOAD_BYTES',
    'largest upload of a model with its data, bytes',
  ),
  buildMemoryBytes: key<number>(
    4 * GIB,
    'FLOTILLA_BUILD_MEMORY_BYTES',
    'memory that one build may take, bytes',
  ),
  buildTimeoutMs: key<number>(
    3_600_000,
    'FLOTILLA_BUILD_TIMEOUT_MS',
    'time that one build may take, ms',
  ),
  logLevel: key<string>('info', 'FLOTILLA_LOG_LEVEL', 'trace, debug, info, warn, error or silent'),
} as const satisfies Record<string, Key<string> | Key<number> | Key<boolean>>;

export type ServerConfig = {
  readonly [K in keyof typeof CONFIG]: (typeof CONFIG)[K]['default'];
};

/**
 * The settings in force: what is given, else the environment's, else the default.
 *
 * @throws FlotillaError `config.invalid`
 */
export function serverConfig(
  given: Partial<ServerConfig>,
  env: Readonly<Record<string, string | undefined>> = {},
): ServerConfig {
  const entries = Object.entries(CONFIG).map(([name, { default: fallback, env: variable }]) => {
    const text = env[variable];
    const own = given[name as keyof ServerConfig];
    return [name, own ?? (text === undefined ? fallback : parse(variable, text, fallback))];
  });
  return checked(Object.fromEntries(entries) as ServerConfig);
}

function parse(variable: string, text: string, like: string | number | boolean) {
  if (typeof like === 'string') return text;
  if (typeof like === 'number' && /^\d+$/.test(text)) return Number(text);
  if (typeof like === 'boolean' && /^(true|1|false|0)$/.test(text)) return /^(true|1)$/.test(text);
  throw invalid(variable, `${JSON.stringify(text)} is not a ${typeof like}`);
}

function checked(config: ServerConfig): ServerConfig {
  if (!isFleet(config.fleet)) throw invalid('fleet', 'use 1 to 31 of a-z, 0-9 and -');
  for (const name of ['port', 'mqttPort'] as const) {
    if (config[name] > 65_535) throw invalid(name, `${config[name]} is not a port`);
  }
  if ((config.tlsCert === '') !== (config.tlsKey === '')) {
    throw invalid('tlsCert', 'give tlsCert and tlsKey together');
  }
  if (config.telemetryWindowMs < 100) throw invalid('telemetryWindowMs', 'give at least 100');
  checkUrl('publicUrl', config.publicUrl, HTTP);
  checkUrl('publicMqttUrl', config.publicMqttUrl, MQTT);
  checkUrl('broker', config.broker, MQTT);
  return config;
}

const HTTP = /^https?:$/;
const MQTT = /^(mqtts?|wss?):$/;

/** Every device is told these URLs and logs hold them: none may carry the server's own log-in. */
function checkUrl(name: keyof ServerConfig, text: string, protocols: RegExp): void {
  if (text === '') return;
  const url = URL.parse(text);
  if (url === null || !protocols.test(url.protocol)) throw invalid(name, 'is not such a URL');
  if (url.username === '' && url.password === '') return;
  throw invalid(name, 'leave user and password out of it: give brokerUser and brokerPassword');
}

const invalid = (name: string, reason: string) =>
  new FlotillaError('config.invalid', { key: name, reason });

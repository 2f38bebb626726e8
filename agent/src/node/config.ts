import { FlotillaError } from '@flotilla/protocol';
import { METERED_LINKS, type MeteredLink } from './device/network.ts';

interface Key<T> {
  readonly default: T;
  /** Environment variable that sets it. */
  readonly env: string;
  /** Option of the command line that sets it. */
  readonly flag: string;
  readonly doc: string;
}

const key = <T extends string | number>(
  fallback: T,
  env: string,
  flag: string,
  doc: string,
): Key<T> => ({ default: fallback, env, flag, doc });

/** Every setting of a running agent: default, environment variable, option, and what it does. */
export const CONFIG = {
  data: key<string>(
    './flotilla-agent',
    'FLOTILLA_AGENT_DATA',
    'data',
    'folder that holds all state of this device',
  ),
  http: key<string>(
    '127.0.0.1:8180',
    'FLOTILLA_AGENT_HTTP',
    'http',
    'where inference is served: 127.0.0.1:PORT (0: any free port), unix:PATH, or both with a comma',
  ),
  telemetryWindowMs: key<number>(
    0,
    'FLOTILLA_AGENT_TELEMETRY_WINDOW',
    'telemetry-window',
    'length of telemetry windows in ms, whatever the server says; 0: as the server says',
  ),
  threads: key<number>(1, 'FLOTILLA_AGENT_THREADS', 'threads', 'threads within one operator'),
  providers: key<string>(
    'auto',
    'FLOTILLA_AGENT_PROVIDERS',
    'providers',
    'execution providers in order of preference, with commas; auto: tensorrt, cuda and cpu as far as they are there',
  ),
  ortLibrary: key<string>(
    'auto',
    'FLOTILLA_AGENT_ORT_LIBRARY',
    'ort-library',
    "path of the device's own libonnxruntime.so; auto: look for it; none: do not",
  ),
  maxBatch: key<number>(
    8,
    'FLOTILLA_AGENT_MAX_BATCH',
    'max-batch',
    'most samples of waiting requests that are run as one; 1: none are joined',
  ),
  batchDelayMs: key<number>(
    0,
    'FLOTILLA_AGENT_BATCH_DELAY',
    'batch-delay',
    'how long a request waits for others to be run with, ms',
  ),
  maxQueue: key<number>(
    64,
    'FLOTILLA_AGENT_MAX_QUEUE',
    'max-queue',
    'most requests for one model that wait or run; one more is answered 503',
  ),
  maxRequestBytes: key<number>(
    64 << 20,
    'FLOTILLA_AGENT_MAX_REQUEST',
    'max-request',
    'largest inference request in bytes',
  ),
  selfTestTimeoutMs: key<number>(
    120_000,
    'FLOTILLA_AGENT_SELF_TEST_TIMEOUT',
    'self-test-timeout',
    'longest time for the self-test of a new model in ms',
  ),
  loadTimeoutMs: key<number>(
    60_000,
    'FLOTILLA_AGENT_LOAD_TIMEOUT',
    'load-timeout',
    'longest time for loading a model in ms; with a GPU ten times that',
  ),
  watchLatencyFactor: key<number>(
    4,
    'FLOTILLA_AGENT_WATCH_LATENCY_FACTOR',
    'watch-latency-factor',
    'a watched model that is slower than in its self-test by this factor is undone, where the server names none',
  ),
  watchMemoryBytes: key<number>(
    256 << 20,
    'FLOTILLA_AGENT_WATCH_MEMORY',
    'watch-memory',
    'growth of the agent in bytes beyond what a watched model states that undoes it, where the server names none',
  ),
  maxLatencyMs: key<number>(
    0,
    'FLOTILLA_AGENT_MAX_LATENCY',
    'max-latency',
    'longest median run in ms of a new model in its self-test, where the server names none; 0: any',
  ),
  maxModelBytes: key<number>(
    0,
    'FLOTILLA_AGENT_MAX_MODEL_MEMORY',
    'max-model-memory',
    'most memory in bytes of a new model in its self-test, where the server names none; 0: any',
  ),
  diskQuota: key<string>(
    'auto',
    'FLOTILLA_AGENT_DISK_QUOTA',
    'disk-quota',
    'bytes that bundles may take on disk, such as 500M or 2G; auto: all but a twentieth of the disk, 1 GiB at most',
  ),
  flows: key<string>(
    '',
    'FLOTILLA_AGENT_FLOWS',
    'flows',
    'YAML file of sources and sinks; without it the agent only answers requests',
  ),
  bandwidth: key<number>(
    0,
    'FLOTILLA_AGENT_BANDWIDTH',
    'bandwidth',
    'cap over all downloads in bytes per second, if the server sets no lower one; 0: none',
  ),
  metered: key<string>(
    'auto',
    'FLOTILLA_AGENT_METERED',
    'metered',
    'whether the link costs by the byte: yes, no, or auto: as NetworkManager or the kind of the link says',
  ),
  updateTimeoutMs: key<number>(
    900_000,
    'FLOTILLA_AGENT_UPDATE_TIMEOUT',
    'update-timeout',
    'longest time for a new release of the agent to reach its server in ms',
  ),
  logLevel: key<string>(
    'info',
    'FLOTILLA_AGENT_LOG',
    'log',
    'debug, info, warn, error or silent; the log goes to standard error',
  ),
} as const satisfies Record<string, Key<string> | Key<number>>;

export type AgentConfig = Omit<
  { readonly [K in keyof typeof CONFIG]: (typeof CONFIG)[K]['default'] },
  'metered'
> & { readonly metered: MeteredLink };

const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'];

/**
 * Settings from options, then environment, then defaults.
 *
 * @throws FlotillaError `cli.usage`
 */
export function readConfig(
  flags: Readonly<Record<string, string | undefined>>,
  env: Readonly<Record<string, string | undefined>>,
): AgentConfig {
  const values = Object.entries(CONFIG).map(([name, row]) => {
    const text = flags[row.flag] ?? env[row.env];
    return [name, text === undefined ? row.default : convert(row, text)] as const;
  });
  const config = Object.fromEntries(values) as AgentConfig;
  oneOf('log', LOG_LEVELS, config.logLevel);
  oneOf('metered', METERED_LINKS, config.metered);
  return config;
}

/** @throws FlotillaError `cli.usage` */
function oneOf(flag: string, words: readonly string[], text: string): void {
  if (!words.includes(text)) throw usage(`--${flag} is one of ${words.join(', ')}, not ${text}`);
}

function convert(row: Key<string> | Key<number>, text: string): string | number {
  if (typeof row.default === 'string') return text;
  const value = Number(text);
  if (text.trim() !== '' && Number.isSafeInteger(value) && value >= 0) return value;
  throw usage(`--${row.flag} takes a whole number from 0, not ${JSON.stringify(text)}`);
}

export const usage = (reason: string) => new FlotillaError('cli.usage', { reason });

import { createHash, randomBytes } from 'node:crypto';
import { AUTO_PROVIDERS } from '@flotilla/model';
import { type FoundRuntimes, findRuntimes, sharpDecoder } from '@flotilla/model/node';
import type { EarlyThread } from '@flotilla/model/thread-early';
import { FlotillaError, webCryptoVerifier } from '@flotilla/protocol';
import {
  type Agent,
  type AgentOptions,
  type Credentials,
  type DiskQuota,
  hasModels,
  type Logger,
  OUTBOX_LIMITS,
  type SelfUpdater,
  type Sha256,
  startAgent,
} from '../core/index.ts';
import { findEnrolment, lockData, makeDataFolder } from './data-folder.ts';
import { runtimeInfo } from './device/capabilities.ts';
import { createDevice } from './device/device.ts';
import type { MeteredLink } from './device/network.ts';
import { createCredentials, loadKey } from './device-key.ts';
import { createFileStorage } from './file-storage.ts';
import { createHttpFetcher } from './http-fetcher.ts';
import { createLogger } from './logger.ts';
import { createMqttTransport } from './mqtt-transport.ts';
import { createRuntimeCache } from './runtime-cache.ts';
import { createSelfTester, withBuildTime } from './self-tester.ts';
import { createSelfUpdater } from './self-update/updater.ts';
import { systemClock } from './system-clock.ts';
import { unpackZstd } from './unpack.ts';
import { AGENT_VERSION } from './version.ts';

export interface NodeAgentOptions {
  /** Folder of a device that is enrolled, or into which a model was loaded by hand. */
  readonly data: string;
  /** With false it stays away from its fleet, and its folder may be new; default true. */
  readonly connect?: boolean;
  /** Length of telemetry windows whatever the server says; 0 (the default) leaves it to the server. */
  readonly telemetryWindowMs?: number;
  /** Threads within one operator; default 1. */
  readonly threads?: number;
  /** Most samples of waiting requests that are run as one; default 8, 1 joins none. */
  readonly maxBatch?: number;
  /** How long a request waits for others to be run with; default 0. */
  readonly batchDelayMs?: number;
  /** Most requests for one model that wait or run; default 64. */
  readonly maxQueue?: number;
  /** Execution providers in order of preference; default `['auto']`: all that there are, best first. */
  readonly providers?: readonly string[];
  /** The device's own ONNX Runtime: `auto` (the default) looks for it, `none`, or its path. */
  readonly ortLibrary?: string;
  /** LD_LIBRARY_PATH for the child processes that try libraries and new models. */
  readonly libraryPath?: string;
  readonly selfTestTimeoutMs?: number;
  /** Longest time for loading a model, ms; with a GPU ten times that. Default 60,000. */
  readonly loadTimeoutMs?: number;
  /** A watched model that is slower than in its self-test by this factor is undone; default 4. */
  readonly watchLatencyFactor?: number;
  /** Growth of this process beyond what a watched model states that undoes it; default 256 MiB. */
  readonly watchMemoryBytes?: number;
  /** A model whose median run in the self-test is slower is not activated; 0 (the default): any. */
  readonly maxLatencyMs?: number;
  /** Nor is one that takes more memory there; 0 (the default): any. */
  readonly maxModelBytes?: number;
  /** Bytes that bundles may take on disk; default `auto`: all but a reserve. */
  readonly diskQuota?: DiskQuota;
  /** Whether the device's link costs by the byte; `auto` (the default) finds out. */
  readonly metered?: MeteredLink;
  /** IANA name of the zone that the device's clock shows; default: as the system says. */
  readonly timeZone?: string;
  /** Cap over all downloads in bytes/s, beside the server's; 0 (the default) is none. */
  readonly bandwidth?: number;
  /** Up already, for the first model; whoever started it ends it where none takes it. */
  readonly thread?: EarlyThread;
  /** Longest time for a new release of the agent to reach its server in; default 15 minutes. */
  readonly updateTimeoutMs?: number;
  /** Default: an agent inside of another program cannot be replaced. */
  readonly updater?: SelfUpdater;
  /** Default: one that says nothing. */
  readonly logger?: Logger;
}

const DEFAULT_WINDOW_MS = 60_000;
const DEFAULT_UPDATE_MS = 900_000;
/** Of a new release; less than the watchdog of the service, which would end the launcher too. */
const LONGEST_START_MS = 90_000;

/**
 * An agent in this process, on a data folder that it holds until `stop`.
 *
 * @throws FlotillaError `agent.not-enrolled`, `agent.in-use`, `agent.data-corrupt`, `agent.data-newer`
 */
export async function createAgent(options: NodeAgentOptions): Promise<Agent> {
  const { data, libraryPath, connect = true, logger = createLogger('silent') } = options;
  const enrolment = await findEnrolment(data);
  const storage = createFileStorage(data);
  if (!connect) await makeDataFolder(data);
  else if (enrolment === undefined && !(await hasModels(storage))) {
    throw new FlotillaError('agent.not-enrolled', { data });
  }
  const identity = connect ? enrolment?.identity : undefined;
  const credentials = identity && (await createCredentials(await loadKey(data), identity));
  const { updater = createSelfUpdater({ data, env: {}, logger, relaunch: () => undefined }) } =
    options;
  const unlock = await lockData(data);
  try {
    const found = await findRuntimes(options);
    logFound(found, logger);
    const rest = settings(options, found);
    const { loadOptions } = rest.steps;
    const agent = await startAgent(
      {
        storage,
        clock: systemClock,
        random: Math.random,
        transport: createMqttTransport(),
        fetcher: createHttpFetcher(),
        credentials: credentials ?? nobodysCredentials(data),
        verifier: webCryptoVerifier,
        runtimes: found.runtimes,
        runtimeCache: createRuntimeCache(data),
        decoder: sharpDecoder(),
        selfTester: createSelfTester({
          data,
          found,
          loadOptions,
          logger,
          ...(libraryPath === undefined ? {} : { libraryPath }),
        }),
        updater,
        device: createDevice({
          data,
          target: enrolment?.target ?? '',
          runtimes: found.runtimes.map(runtimeInfo),
          metered: options.metered ?? 'auto',
          ...(options.timeZone === undefined ? {} : { timeZone: options.timeZone }),
          libc: updater.libc,
          selfUpdate: updater.obstacle === undefined,
        }),
        logger,
        unpack: unpackZstd,
        sha256: createSha256,
        newOutboxId: () => randomBytes(8).toString('hex'),
      },
      {
        ...(identity === undefined ? {} : { identity }),
        root: enrolment?.root ?? '',
        version: AGENT_VERSION,
        ...rest,
      },
    );
    return withStop(agent, unlock);
  } catch (error) {
    await unlock();
    throw error;
  }
}

/** Nobody asks a device without a fleet to log in. */
const nobodysCredentials = (data: string): Credentials => ({
  token: () => Promise.reject(new FlotillaError('agent.not-enrolled', { data })),
});

function logFound({ runtimes, missing }: FoundRuntimes, logger: Logger): void {
  for (const { name, version, providers } of runtimes) {
    logger.info('runtime', { name, version, providers: providers.join(', ') });
  }
  for (const { name, reason } of missing) logger.info('no runtime', { name, reason });
}

function settings(
  options: NodeAgentOptions,
  found: FoundRuntimes,
): Omit<AgentOptions, 'identity' | 'root' | 'version'> {
  const contactMs = options.updateTimeoutMs ?? DEFAULT_UPDATE_MS;
  return {
    backoff: { firstMs: 500, longestMs: 30_000 },
    outbox: OUTBOX_LIMITS,
    telemetryWindowMs: DEFAULT_WINDOW_MS,
    telemetryOverrideMs: options.telemetryWindowMs ?? 0,
    serving: {
      maxBatch: options.maxBatch ?? 8,
      delayMs: options.batchDelayMs ?? 0,
      maxQueue: options.maxQueue ?? 64,
    },
    steps: {
      download: { firstMs: 500, longestMs: 60_000, tries: 12 },
      selfTestTimeoutMs: options.selfTestTimeoutMs ?? 120_000,
      limits: {
        maxLatencyMs: options.maxLatencyMs ?? 0,
        maxRssBytes: options.maxModelBytes ?? 0,
      },
      loadOptions: {
        threads: options.threads ?? 1,
        providers: options.providers ?? [AUTO_PROVIDERS],
      },
      progressEveryMs: 2_000,
      loadTimeoutMs: withBuildTime(found, options.loadTimeoutMs ?? 60_000),
      watch: {
        latencyFactor: options.watchLatencyFactor ?? 4,
        memoryBytes: options.watchMemoryBytes ?? 256 << 20,
        hungMs: 10_000,
      },
      watchPollMs: 200,
      diskQuota: options.diskQuota ?? 'auto',
      linkLookMs: 15_000,
      bandwidth: options.bandwidth ?? 0,
      update: { upMs: Math.min(contactMs, LONGEST_START_MS), contactMs },
    },
  };
}

function withStop(agent: Agent, unlock: () => Promise<void>): Agent {
  return {
    get slots() {
      return agent.slots;
    },
    model: (slot) => agent.model(slot),
    infer: (slot, inputs) => agent.infer(slot, inputs),
    remember: (slot, id, inference) => agent.remember(slot, id, inference),
    label: (slot, id, truth) => agent.label(slot, id, truth),
    status: () => agent.status(),
    load: (request) => agent.load(request),
    unload: (slot) => agent.unload(slot),
    unresponsive: () => agent.unresponsive(),
    idle: () => agent.idle(),
    async stop() {
      await agent.stop();
      await unlock();
    },
  };
}

function createSha256(): Sha256 {
  const hash = createHash('sha256');
  return {
    update: (bytes) => {
      hash.update(bytes);
    },
    digest: () => `sha256:${hash.digest('hex')}`,
  };
}

import { createHash, randomBytes } from 'node:crypto';
import { type Capabilities, FlotillaError, webCryptoVerifier } from '@flotilla/protocol';
import type {
  AgentOptions,
  AgentPorts,
  Fetcher,
  SelfUpdater,
  Storage,
  Transport,
} from '../core/index.ts';
import { testGolden } from '../node/self-test-task.ts';
import { systemClock } from '../node/system-clock.ts';
import { unpackZstd } from '../node/unpack.ts';
import type { TestFleet } from './test-fleet.ts';
import { TOY_OPSET, toyRuntime } from './toy-model.ts';

/** A device that can do next to nothing. */
export const TOY_CAPABILITIES: Capabilities = {
  target: 'x86-64',
  declared: true,
  board: '',
  arch: 'x86_64',
  os: '',
  cpuModel: '',
  cores: 1,
  memoryBytes: 1 << 30,
  diskFreeBytes: 1 << 30,
  cpuFeatures: [],
  soc: '',
  jetpack: '',
  cameras: [],
  powerMode: '',
  kernel: '',
  container: '',
  readOnlyRoot: false,
  diskBytes: 1 << 30,
  libc: 'glibc 2.36',
  selfUpdate: false,
  runtimes: [{ name: 'toy', version: '1', maxOpset: TOY_OPSET, providers: ['cpu'] }],
};

/** Toys are quick, and tests many. */
const TOY_BENCHMARK = { mostRuns: 5, budgetMs: 1000, fewestRuns: 3 };
/** Of an agent that nothing starts anew. */
const NO_UPDATER: SelfUpdater = {
  obstacle: 'no launcher started it',
  place: 'installed',
  trial: undefined,
  platform: 'linux-x64',
  libc: 'glibc 2.36',
  install: async () => undefined,
  check: () => Promise.reject(new Error('nothing lies there')),
  discard: async () => undefined,
  relaunch: () => undefined,
};

/** Ports of an agent whose server, broker and runtime live in this process. */
export function bedPorts(storage: Storage, fleet: TestFleet, log: string[] = []): AgentPorts {
  const runtime = toyRuntime();
  const say = (message: string, fields: Readonly<Record<string, unknown>> = {}) => {
    log.push(`${message} ${fields.error ?? JSON.stringify(fields)}`);
  };
  return {
    storage,
    clock: systemClock,
    random: Math.random,
    transport: bedTransport(fleet),
    fetcher: bedFetcher(fleet),
    credentials: { token: async () => 'token' },
    verifier: webCryptoVerifier,
    runtimes: [runtime],
    runtimeCache: { folder: () => '/nowhere', drop: async () => undefined },
    decoder: {
      decode: () => Promise.reject(new Error('the toys take no images')),
    },
    selfTester: {
      async test({ model, golden }) {
        const [bytes, samples] = await Promise.all([storage.read(model), storage.read(golden)]);
        const session = await toyRuntime('test').load(bytes ?? new Uint8Array());
        const report = await testGolden(session, samples ?? new Uint8Array(), TOY_BENCHMARK);
        return { ...report, rssBytes: 1 << 20 };
      },
    },
    updater: NO_UPDATER,
    device: {
      capabilities: async () => TOY_CAPABILITIES,
      condition: async () => ({ temperatureC: 0, throttledBy: [], bytesWritten: 0 }),
      timeZone: async () => 'Europe/Paris',
      network: async () => ({ name: 'eth0', metered: false, why: 'it is no modem' }),
      resources: async () => ({
        rssBytes: 1,
        cpuMs: 1,
        temperatureC: 0,
        throttled: false,
        bytesWritten: 0,
      }),
      rssBytes: () => 1,
    },
    logger: { debug: () => undefined, info: say, warn: say, error: say },
    unpack: unpackZstd,
    sha256: () => {
      const hash = createHash('sha256');
      return {
        update: (bytes) => void hash.update(bytes),
        digest: () => `sha256:${hash.digest('hex')}`,
      };
    },
    newOutboxId: () => randomBytes(8).toString('hex'),
  };
}

export function bedOptions({ identity, root }: TestFleet): AgentOptions {
  return {
    identity,
    root,
    version: '0.0.0',
    backoff: { firstMs: 5, longestMs: 20 },
    outbox: { maxBytes: 1 << 20, maxAgeMs: 1e12, segmentBytes: 2048 },
    telemetryWindowMs: 60_000,
    telemetryOverrideMs: 0,
    serving: { maxBatch: 8, delayMs: 0, maxQueue: 64 },
    steps: {
      download: { firstMs: 1, longestMs: 5, tries: 3 },
      selfTestTimeoutMs: 1000,
      limits: { maxLatencyMs: 0, maxRssBytes: 0 },
      loadOptions: {},
      progressEveryMs: 60_000,
      loadTimeoutMs: 5000,
      watch: { latencyFactor: 4, memoryBytes: 128 << 20, hungMs: 10_000 },
      watchPollMs: 1,
      diskQuota: 'auto',
      linkLookMs: 5,
      bandwidth: 0,
      update: { upMs: 1_000, contactMs: 1_000 },
    },
  };
}

/** Bodies come in small pieces, and from where the range says. */
export function bedFetcher(fleet: TestFleet): Fetcher {
  return {
    async get(url, { headers = {} } = {}) {
      const { status, body } = fleet.get(new URL(url).pathname);
      const from = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0);
      const partial = status === 200 && from > 0;
      const range = `bytes ${from}-${body.length - 1}/${body.length}`;
      return {
        status: partial ? 206 : status,
        over: 'http',
        header: (name) => (partial && name === 'content-range' ? range : undefined),
        body: pieces(body.subarray(from)),
      };
    },
  };
}

async function* pieces(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 200) yield bytes.subarray(at, at + 200);
}

/** A broker of one client: the fleet hears what is published, and answers. */
export function bedTransport(fleet: TestFleet): Transport {
  return {
    async connect({ onMessage, onClose }) {
      let open = true;
      const deliver = (messages: readonly (readonly [string, Uint8Array])[]) => {
        for (const [topic, payload] of messages) {
          queueMicrotask(() => {
            if (open) onMessage(topic, payload);
          });
        }
      };
      const push = (topic: string, payload: Uint8Array) => deliver([[topic, payload]]);
      return {
        async publish(topic, payload) {
          if (!open) throw new FlotillaError('agent.unreachable', { url: topic, reason: 'closed' });
          deliver(fleet.receive(topic, payload));
        },
        async subscribe() {
          fleet.listeners.add(push);
          deliver(fleet.retained);
        },
        async close() {
          fleet.listeners.delete(push);
          if (open) onClose('closed');
          open = false;
        },
      };
    },
  };
}

import { FlotillaError } from '@flotilla/protocol';
import {
  env,
  InferenceSession,
  listSupportedBackends,
  type Tensor as OrtTensor,
} from 'onnxruntime-node';
import type { LoadOptions, ModelData, Runtime, Session } from '../runtime.ts';
import type { Tensors } from '../tensor.ts';
import { checkFeeds } from '../tensors.ts';
import { fromOrt, tensorInfos, toOrt } from './ort-tensors.ts';

/** Highest ai.onnx opset that ONNX Runtime 1.30 loads without a warning of its own. */
export const ORT_MAX_OPSET = 26;

/**
 * ONNX Runtime on the calling thread. A run blocks the thread until it is done: where anything
 * else must stay alive, use `workerRuntime`. Providers are tried in order; the library itself
 * does not fall back.
 */
export function ortRuntime(): Runtime {
  // What goes wrong comes back as an error; the library would print it to stderr as well.
  env.logLevel = 'fatal';
  return {
    name: 'onnxruntime',
    version: env.versions.node ?? env.versions.common,
    maxOpset: ORT_MAX_OPSET,
    providers: listSupportedBackends().map((backend) => backend.name),
    load: loadSession,
  };
}

async function loadSession(model: ModelData, options: LoadOptions = {}): Promise<Session> {
  const { session, provider, fallbacks } = await tryProviders(model, options);
  const { inputs, outputs } = await declared(session);
  const running = new Set<Promise<unknown>>();
  let disposed = false;
  return {
    inputs,
    outputs,
    provider,
    fallbacks,
    async run(feeds) {
      if (disposed) throw new FlotillaError('runtime.died', { reason: 'it was disposed' });
      checkFeeds(feeds, inputs);
      const run = runSession(session, feeds);
      running.add(run);
      try {
        return await run;
      } finally {
        running.delete(run);
      }
    },
    async dispose() {
      if (disposed) return;
      disposed = true;
      await Promise.allSettled(running);
      await session.release();
    },
  };
}

/** What the model takes and gives; a model that cannot be fed does not stay loaded. */
async function declared(session: InferenceSession) {
  try {
    return {
      inputs: tensorInfos(session.inputMetadata),
      outputs: tensorInfos(session.outputMetadata),
    };
  } catch (error) {
    await session.release();
    throw error;
  }
}

interface Loaded {
  readonly session: InferenceSession;
  readonly provider: string;
  readonly fallbacks: { provider: string; reason: string }[];
}

async function tryProviders(model: ModelData, options: LoadOptions): Promise<Loaded> {
  const providers = options.providers?.length ? options.providers : ['cpu'];
  const fallbacks: { provider: string; reason: string }[] = [];
  for (const provider of providers) {
    try {
      const session = await createSession(model, sessionOptions(provider, options));
      return { session, provider, fallbacks };
    } catch (cause) {
      const reason = reasonOf(cause);
      // The CPU provider takes every model that the library can read: its reason is the model's.
      if (provider === 'cpu') {
        throw new FlotillaError('runtime.load-failed', { reason }, { cause });
      }
      fallbacks.push({ provider, reason });
    }
  }
  throw new FlotillaError('runtime.no-provider', {
    tried: fallbacks.map(({ provider, reason }) => `${provider}: ${reason}`).join('; '),
    available: listSupportedBackends()
      .map((backend) => backend.name)
      .join(', '),
  });
}

/** The library has one signature for each form of a model. */
function createSession(
  model: ModelData,
  options: InferenceSession.SessionOptions,
): Promise<InferenceSession> {
  return typeof model === 'string'
    ? InferenceSession.create(model, options)
    : InferenceSession.create(model, options);
}

/**
 * Threads that wait for work spin for as long as it takes to get from one operator to the next, and
 * no longer: on a busy machine they would starve each other.
 */
const SPINNING = { allow_spinning: '1', spin_duration_us: '20' };

function sessionOptions(provider: string, options: LoadOptions): InferenceSession.SessionOptions {
  return {
    executionProviders: [provider],
    graphOptimizationLevel: 'all',
    intraOpNumThreads: options.threads ?? 1,
    enableMemPattern: !options.lean,
    interOpNumThreads: 1,
    logSeverityLevel: 4,
    extra: { session: { intra_op: SPINNING, inter_op: { allow_spinning: '0' } } },
  };
}

async function runSession(session: InferenceSession, feeds: Tensors): Promise<Tensors> {
  const values: Record<string, OrtTensor> = {};
  for (const [name, tensor] of Object.entries(feeds)) values[name] = toOrt(tensor);
  let results: InferenceSession.ReturnType;
  try {
    results = await session.run(values);
  } catch (cause) {
    throw new FlotillaError('runtime.run-failed', { reason: reasonOf(cause) }, { cause });
  }
  return Object.fromEntries(
    Object.entries(results).map(([name, value]) => [name, fromOrt(name, value as OrtTensor)]),
  );
}

/** The library's messages carry source files, signatures and stacks: keep what a person can use. */
function reasonOf(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause);
  const [line = ''] = text.split('\n');
  const bare = line.replace(/\S+\.(h|cc):\d+ .*?\) (?=[A-Z])/g, '').replace(/\.$/, '');
  return bare.slice(0, 300);
}

import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { FlotillaError } from '@flotilla/protocol';
import {
  env,
  InferenceSession,
  listSupportedBackends,
  type Tensor as OrtTensor,
} from 'onnxruntime-node';
import type { LoadOptions, ModelData, Runtime, Session } from '../runtime.ts';
import type { Tensors } from '../tensor.ts';
import { declineTelemetry } from './decline-telemetry.ts';
import { guardedSession } from './guarded-session.ts';
import { fromOrt, tensorInfos, toOrt } from './ort-tensors.ts';
import { present } from './present-providers.ts';
import { SPINNING } from './spinning.ts';
import { reasonOf, tryProviders } from './try-providers.ts';

/** Highest ai.onnx opset that ONNX Runtime 1.30 loads without a warning of its own. */
export const ORT_MAX_OPSET = 26;

/**
 * ONNX Runtime on the calling thread. A run blocks the thread until it is done: where anything
 * else must stay alive, use `workerRuntime`. Providers are tried in order; the library itself
 * does not fall back.
 */
export function ortRuntime(): Runtime {
  declineTelemetry();
  // What goes wrong comes back as an error; the library would print it to stderr as well.
  env.logLevel = 'fatal';
  return {
    name: 'onnxruntime',
    runs: 'onnxruntime',
    version: env.versions.node ?? env.versions.common,
    maxOpset: ORT_MAX_OPSET,
    providers: backends(),
    load: loadSession,
  };
}

async function loadSession(model: ModelData, options: LoadOptions = {}): Promise<Session> {
  const {
    loaded: session,
    provider,
    fallbacks,
  } = await tryProviders(options.providers, backends(), (name) =>
    createSession(model, sessionOptions(name, options)),
  );
  const { inputs, outputs } = await declared(session);
  return guardedSession(
    { inputs, outputs, runtime: 'onnxruntime', provider, fallbacks },
    { run: (feeds) => runSession(session, feeds), release: () => session.release() },
  );
}

/** Those whose libraries are there: the package leaves the ones for CUDA and TensorRT out. */
function backends(): string[] {
  const binding = createRequire(import.meta.url).resolve('onnxruntime-node/package.json');
  const folder = join(dirname(binding), `bin/napi-v6/${process.platform}/${process.arch}`);
  return present(
    listSupportedBackends().map((backend) => backend.name),
    folder,
  );
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

/** The library has one signature for each form of a model. */
function createSession(
  model: ModelData,
  options: InferenceSession.SessionOptions,
): Promise<InferenceSession> {
  return typeof model === 'string'
    ? InferenceSession.create(model, options)
    : InferenceSession.create(model, options);
}

function sessionOptions(provider: string, options: LoadOptions): InferenceSession.SessionOptions {
  return {
    executionProviders: [provider],
    graphOptimizationLevel: 'all',
    intraOpNumThreads: options.threads ?? 1,
    enableMemPattern: !options.lean,
    interOpNumThreads: 1,
    logSeverityLevel: 4,
    extra: { session: SPINNING },
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

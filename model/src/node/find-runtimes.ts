import { asFlotillaError } from '@flotilla/protocol';
import type { Runtime } from '../runtime.ts';
import { isAccelerator } from '../runtimes.ts';
import type { EarlyThread } from './model-thread.ts';
import { DEVICE_ORT } from './ort-capi/name.ts';
import { probeLibrary } from './ort-capi/probe.ts';
import type { LibraryFacts } from './ort-capi/runtime.ts';
import { systemLibraries } from './ort-capi/system-libraries.ts';
import { deviceOrtWorker } from './ort-capi/worker.ts';
import { tfliteWorker } from './tflite/worker.ts';
import type { RuntimeSpec } from './thread-messages.ts';
import { workerRuntime } from './worker-runtime.ts';

export interface FindOptions {
  /** `auto` (the default) looks in the well-known places, `none` does not; else a library's path. */
  readonly ortLibrary?: string;
  /** LD_LIBRARY_PATH for the child processes that try a library. */
  readonly libraryPath?: string;
  /** For the first model that the ONNX Runtime which is brought along loads. */
  readonly thread?: EarlyThread;
}

export interface MissingRuntime {
  readonly name: string;
  readonly reason: string;
}

export interface FoundRuntimes {
  /** In order of preference, each with one thread for each session. */
  readonly runtimes: readonly Runtime[];
  /** The same, for a thread or process that makes them for itself. */
  readonly specs: readonly RuntimeSpec[];
  /** What was looked for and cannot be used. */
  readonly missing: readonly MissingRuntime[];
}

interface Found {
  readonly runtime: Runtime;
  readonly spec: RuntimeSpec;
}

/** Libraries that are tried; each takes a child process. */
const MOST_TRIED = 4;

/**
 * What runs models on this machine. A library that the owner names comes first; one that was found
 * comes after the ONNX Runtime that is brought along, and serves for the providers which that lacks.
 */
export async function findRuntimes(options: FindOptions = {}): Promise<FoundRuntimes> {
  const { ortLibrary = 'auto' } = options;
  const missing: MissingRuntime[] = [];
  const own = await findLibrary(options, missing);
  const brought: Found = { runtime: workerRuntime(options.thread), spec: { kind: 'onnxruntime' } };
  const both = ortLibrary === 'auto' ? [brought, ...own] : [...own, brought];
  const found = [...both, { runtime: tfliteWorker(), spec: { kind: 'tflite' } as const }];
  return {
    runtimes: found.map(({ runtime }) => runtime),
    specs: found.map(({ spec }) => spec),
    missing,
  };
}

/** The first library with a provider for a GPU, else the first that can be used at all. */
async function findLibrary(options: FindOptions, missing: MissingRuntime[]): Promise<Found[]> {
  const { ortLibrary = 'auto', libraryPath } = options;
  if (ortLibrary === 'none') return [];
  const paths = ortLibrary === 'auto' ? await systemLibraries() : [ortLibrary];
  if (paths.length === 0) {
    const reason = 'no libonnxruntime.so lies in the places where JetPack and packages put it';
    missing.push({ name: DEVICE_ORT, reason });
  }
  const env: Record<string, string> = libraryPath ? { LD_LIBRARY_PATH: libraryPath } : {};
  const usable: LibraryFacts[] = [];
  for (const path of paths.slice(0, MOST_TRIED)) {
    try {
      usable.push(await probeLibrary(path, env));
    } catch (error) {
      missing.push({ name: DEVICE_ORT, reason: asFlotillaError(error).message });
    }
  }
  const facts = usable.find(({ providers }) => providers.some(isAccelerator)) ?? usable[0];
  if (facts === undefined) return [];
  const spec = { kind: 'onnxruntime-device', library: facts.path } as const;
  return [{ runtime: deviceOrtWorker(facts), spec }];
}

import { realpathSync } from 'node:fs';
import { dirname } from 'node:path';
import { FlotillaError } from '@flotilla/protocol';
import { declineTelemetry } from '../decline-telemetry.ts';
import { present } from '../present-providers.ts';
import { reasonOf } from '../try-providers.ts';
import { type OrtLibrary, openLibrary, taken } from './library.ts';
import { DEVICE_ORT } from './name.ts';
import { LOG_FATAL } from './options.ts';
import type { OrtEngine } from './session.ts';

/** OrtDeviceAllocator, OrtMemTypeDefault. */
const CPU_MEMORY = [0, 0] as const;

/**
 * Opens a library for use on this thread. Environment and memory info are its own for good: the
 * library keeps one environment for the process, and counts who asked for it.
 *
 * @throws FlotillaError `runtime.library-unusable`
 */
export function openEngine(path: string): OrtEngine {
  declineTelemetry();
  try {
    return engineOf(openLibrary(path), dirname(realpathSync(path)));
  } catch (cause) {
    const reason = reasonOf(cause);
    throw new FlotillaError('runtime.library-unusable', { path, reason }, { cause });
  }
}

function engineOf(library: OrtLibrary, folder: string): OrtEngine {
  const { call } = library;
  const env = taken((cell) => call.CreateEnv(LOG_FATAL, 'flotilla', cell));
  const memory = taken((cell) => call.CreateCpuMemoryInfo(...CPU_MEMORY, cell));
  const allocator = taken((cell) => call.GetAllocatorWithDefaultOptions(cell));
  const providers = present(availableProviders(library), folder);
  return { name: DEVICE_ORT, library, env, memory, allocator, providers };
}

/** Providers that the library was built with, best first. */
function availableProviders({ call, text, pointerAt }: OrtLibrary): string[] {
  const count = new Int32Array(1);
  const names = taken((cell) => call.GetAvailableProviders(cell, count));
  const length = count[0] ?? 0;
  try {
    return Array.from({ length }, (_, index) => providerName(text(pointerAt(names, index))));
  } finally {
    call.ReleaseAvailableProviders(names, length);
  }
}

/** As onnxruntime-node names them: TensorrtExecutionProvider is tensorrt. */
const providerName = (name: string): string => name.replace(/ExecutionProvider$/, '').toLowerCase();

import { type OrtLibrary, openLibrary, taken } from './library.ts';
import { LOG_FATAL } from './options.ts';
import type { OrtEngine } from './session.ts';

/** OrtDeviceAllocator, OrtMemTypeDefault. */
const CPU_MEMORY = [0, 0] as const;

/**
 * Opens a library for use on this thread. Environment and memory info are its own for good: the
 * library keeps one environment for the process, and counts who asked for it.
 *
 * @throws Error where the library cannot be used
 */
export function openEngine(name: string, path: string): OrtEngine {
  const library = openLibrary(path);
  const { call } = library;
  const env = taken((cell) => call.CreateEnv(LOG_FATAL, 'flotilla', cell));
  const memory = taken((cell) => call.CreateCpuMemoryInfo(...CPU_MEMORY, cell));
  const allocator = taken((cell) => call.GetAllocatorWithDefaultOptions(cell));
  return { name, library, env, memory, allocator, providers: availableProviders(library) };
}

/** Providers that were built into the library, best first; whether one can be used shows at a load. */
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

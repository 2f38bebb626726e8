import type { Runtime } from '../../runtime.ts';
import { openEngine } from './engine.ts';
import { maxOpset } from './max-opset.ts';
import { DEVICE_ORT } from './name.ts';
import { loadSession } from './session.ts';

/** What is known of a library before a model is loaded. */
export interface LibraryFacts {
  readonly path: string;
  readonly version: string;
  readonly maxOpset: number;
  readonly providers: readonly string[];
}

/** @throws FlotillaError `runtime.library-unusable`; a library that is damaged may end the process */
export function libraryFacts(path: string): LibraryFacts {
  const engine = openEngine(path);
  const { library, providers } = engine;
  return { path, version: library.version, maxOpset: maxOpset(engine), providers };
}

/**
 * The ONNX Runtime library of this device through its C API, on the calling thread: it brings the
 * providers that it was built with, such as CUDA and TensorRT on a Jetson. A run blocks the thread.
 *
 * @param path of libonnxruntime.so; one that was not tried may end the process: see `probeLibrary`
 * @throws FlotillaError `runtime.library-unusable`
 */
export function deviceOrtRuntime(path: string): Runtime {
  const engine = openEngine(path);
  return {
    name: DEVICE_ORT,
    runs: 'onnxruntime',
    version: engine.library.version,
    maxOpset: maxOpset(engine),
    providers: engine.providers,
    load: (model, options) => loadSession(engine, model, options),
  };
}

import type { Runtime } from '../runtime.ts';
import { ortRuntime } from './ort-runtime.ts';
import type { RuntimeSpec } from './thread-messages.ts';

/**
 * The runtime of a spec, on the calling thread; what it needs is loaded only then.
 *
 * @throws FlotillaError `runtime.library-unusable`
 */
export async function makeRuntime(spec: RuntimeSpec): Promise<Runtime> {
  switch (spec.kind) {
    case 'onnxruntime':
      return ortRuntime();
    case 'onnxruntime-device': {
      const { deviceOrtRuntime } = await import('./ort-capi/runtime.ts');
      return deviceOrtRuntime(spec.library);
    }
    case 'tflite': {
      const { tfliteRuntime } = await import('./tflite/runtime.ts');
      return tfliteRuntime();
    }
  }
}

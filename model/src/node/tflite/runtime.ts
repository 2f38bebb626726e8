import { TFLITE_SCHEMA } from '@flotilla/protocol';
import type { Runtime } from '../../runtime.ts';
import { loadSession, TFLITE, TFLITE_PROVIDERS } from './session.ts';
import { loadWebTflite, tfliteVersion, type WebTflite } from './web-module.ts';

/**
 * TFLite as WebAssembly, on the calling thread and on one core: it runs int8, uint8 and fp32 models
 * of fixed shapes on every processor. A run blocks the thread; a damaged model cannot leave the
 * module's own memory. It is compiled at the first load.
 */
export function tfliteRuntime(): Runtime {
  let compiled: Promise<WebTflite> | undefined;
  return {
    ...tfliteFacts(),
    async load(model, options) {
      compiled ??= loadWebTflite();
      return loadSession(await compiled, model, options);
    },
  };
}

/** What is known of it without its module. */
export function tfliteFacts(): Omit<Runtime, 'load'> {
  return {
    name: TFLITE,
    runs: 'tflite',
    version: tfliteVersion(),
    maxOpset: TFLITE_SCHEMA,
    providers: TFLITE_PROVIDERS,
  };
}

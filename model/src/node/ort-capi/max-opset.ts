import { withSessionOptions } from './options.ts';
import type { OrtEngine } from './session.ts';
import { createSession } from './session.ts';

/** The smallest model, y = Identity(x), FP32 of shape [1] (onnx/onnx.proto); its last byte is the opset. */
const IDENTITY = Buffer.from(
  '08083a3a0a100a017812017922084964656e74697479120474696e795a0f0a0178120a0a08080112040a0208016' +
    '20f0a0179120a0a08080112040a02080142040a001001',
  'hex',
);
/** Far above what exists, which is 26. */
const HIGHEST = 64;

/**
 * Highest ai.onnx opset that a library loads: it refuses those that it does not know, so it is asked
 * and not looked up by its version.
 */
export function maxOpset(engine: OrtEngine): number {
  return withSessionOptions(engine.library, 'cpu', {}, (options) => {
    for (let opset = HIGHEST; opset > 1; opset--) {
      const model = Uint8Array.from(IDENTITY);
      model[model.length - 1] = opset;
      try {
        engine.library.release.Session(createSession(engine, model, options));
        return opset;
      } catch {
        // too new for it
      }
    }
    return 1;
  });
}

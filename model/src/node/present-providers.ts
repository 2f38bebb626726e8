import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** Providers that lie in a library of their own beside ONNX Runtime's. */
const SEPARATE: ReadonlySet<string> = new Set(['cuda', 'tensorrt']);

/** The providers of a library in this folder, without those whose own library is not there. */
export const present = (providers: readonly string[], folder: string): string[] =>
  providers.filter(
    (name) =>
      !SEPARATE.has(name) || existsSync(join(folder, `libonnxruntime_providers_${name}.so`)),
  );

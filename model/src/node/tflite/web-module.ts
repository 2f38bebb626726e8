import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

/** What Emscripten's embind gives of TFLite's `TFLiteWebModelRunner`; each object is freed by `delete`. */
interface Owned {
  delete(): void;
}

export interface WebTensor extends Owned {
  readonly name: string;
  readonly dataType: string;
  /** Dimensions with commas between. */
  readonly shape: string;
  /** A view of the module's memory; the next call may move that. */
  data(): NodeJS.TypedArray;
}

export interface List<T> extends Owned {
  size(): number;
  get(index: number): T;
}

export interface Runner extends Owned {
  GetInputs(): List<WebTensor>;
  GetOutputs(): List<WebTensor>;
  Infer(): boolean;
}

interface RunnerOptions {
  readonly numThreads: number;
  readonly enableProfiling: boolean;
  readonly maxProfilingBufferEntries: number;
  readonly profilingReportAsCsv: boolean;
}

interface StatusOr<T> extends Owned {
  ok(): boolean;
  errorMessage(): string;
  value(): T;
}

export interface WebModule {
  readonly HEAPU8: Uint8Array;
  _malloc(bytes: number): number;
  _free(address: number): void;
  readonly TFLiteWebModelRunner: {
    CreateFromBufferAndOptions(
      address: number,
      bytes: number,
      options: RunnerOptions,
    ): StatusOr<Runner>;
  };
}

type Factory = (settings: {
  instantiateWasm(
    imports: WebAssembly.Imports,
    done: (instance: WebAssembly.Instance, module: WebAssembly.Module) => void,
  ): object;
  print(line: string): void;
  printErr(line: string): void;
}) => Promise<WebModule>;

/** TFLite compiled once; each instance has a memory of its own, which goes with it. */
export interface WebTflite {
  /** @param say told what TFLite would print to standard error */
  instance(say: (line: string) => void): Promise<WebModule>;
}

/** The package stays beside a bundle, like those with native parts: its files are found through it. */
const PACKAGE = '@tensorflow/tfjs-tflite';
const MODULE = `${PACKAGE}/wasm/tflite_web_api_cc_simd`;
const fromHere = createRequire(import.meta.url);

/** Of the package that the module comes in. */
export function tfliteVersion(): string {
  const { version }: { version: string } = fromHere(`${PACKAGE}/package.json`);
  return version;
}

/** The raw module of the package, without TensorFlow.js. */
export async function loadWebTflite(): Promise<WebTflite> {
  const glue: Factory = fromHere(`${MODULE}.js`);
  const wasm = await readFile(fromHere.resolve(`${MODULE}.wasm`));
  const compiled = await WebAssembly.compile(new Uint8Array(wasm));
  return { instance: (say) => instantiate(glue, compiled, say) };
}

function instantiate(
  glue: Factory,
  compiled: WebAssembly.Module,
  say: (line: string) => void,
): Promise<WebModule> {
  return new Promise((resolve, reject) => {
    const ready = glue({
      instantiateWasm(imports, done) {
        WebAssembly.instantiate(compiled, imports).then(
          (instance) => done(instance, compiled),
          reject,
        );
        return {};
      },
      print: () => undefined,
      printErr: say,
    });
    // the module has a `then` of its own in some builds: only the promise is handed on
    ready.then(resolve, reject);
  });
}

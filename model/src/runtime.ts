import type { BundleRuntime } from '@flotilla/protocol';
import type { TensorInfo, Tensors } from './tensor.ts';

/** What a runtime may be told when it loads a model. */
export interface LoadOptions {
  /** Threads within one operator; default 1. */
  readonly threads?: number;
  /** Execution providers in order of preference, as the runtime names them; default `['cpu']`. */
  readonly providers?: readonly string[];
  /**
   * Precision of the model, as its bundle names it: a provider that may compute in narrower numbers
   * than the model is written in does so no further than this.
   */
  readonly precision?: string;
  /** Folder, made where it is missing, in which a provider keeps what it builds of this model. */
  readonly cacheFolder?: string;
  /** True: nothing is kept ready for all intermediate tensors at once, which saves memory where they are large. */
  readonly lean?: boolean;
}

/** A provider, or a whole runtime, that did not take a model. */
export interface Fallback {
  readonly provider: string;
  readonly reason: string;
}

/** A model ready to run. Calls may overlap; `dispose` waits for the running ones. */
export interface Session {
  readonly inputs: readonly TensorInfo[];
  readonly outputs: readonly TensorInfo[];
  /** Name of the runtime. */
  readonly runtime: string;
  /** The provider that took the model, and why earlier ones in the list did not. */
  readonly provider: string;
  readonly fallbacks: readonly Fallback[];
  /**
   * @throws FlotillaError `tensor.invalid` where the feeds do not fit what the model declares,
   *   `runtime.run-failed`, `runtime.died`
   */
  run(feeds: Tensors): Promise<Tensors>;
  dispose(): Promise<void>;
}

/**
 * A model in one piece, or the path of its file: the only way for one whose weights lie in files
 * beside it, which are then read from there. A browser takes pieces only.
 */
export type ModelData = Uint8Array | string;

/** Port for what runs a model: ONNX Runtime or TFLite in Node, on a worker thread, or in a browser. */
export interface Runtime {
  /** Tells the runtimes of one device apart. */
  readonly name: string;
  /** What a bundle calls the runtime that its model is for. */
  readonly runs: BundleRuntime;
  readonly version: string;
  /** Highest ai.onnx opset that this runtime understands; the version of the schema for TFLite. */
  readonly maxOpset: number;
  /** Execution providers that a model may be loaded with, as `LoadOptions.providers` takes them. */
  readonly providers: readonly string[];
  load(model: ModelData, options?: LoadOptions): Promise<Session>;
}

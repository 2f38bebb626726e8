import type { TensorInfo, Tensors } from './tensor.ts';

/** What a runtime may be told when it loads a model. */
export interface LoadOptions {
  /** Threads within one operator; default 1. */
  readonly threads?: number;
  /** Execution providers in order of preference, as the runtime names them; default `['cpu']`. */
  readonly providers?: readonly string[];
}

/** A model ready to run. Calls may overlap; `dispose` waits for the running ones. */
export interface Session {
  readonly inputs: readonly TensorInfo[];
  readonly outputs: readonly TensorInfo[];
  /** The provider that took the model, and why earlier ones in the list did not. */
  readonly provider: string;
  readonly fallbacks: readonly { readonly provider: string; readonly reason: string }[];
  run(feeds: Tensors): Promise<Tensors>;
  dispose(): Promise<void>;
}

/** Port for what runs a model: ONNX Runtime in Node, on a worker thread, or in a browser. */
export interface Runtime {
  readonly name: string;
  readonly version: string;
  /** Highest ai.onnx opset that this runtime understands. */
  readonly maxOpset: number;
  readonly providers: readonly string[];
  load(model: Uint8Array, options?: LoadOptions): Promise<Session>;
}

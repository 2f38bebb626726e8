import type { TensorInfo, Tensors } from './tensor.ts';

/** What a runtime may be told when it loads a model. */
export interface LoadOptions {
  /** Threads within one operator; default 1. */
  readonly threads?: number;
  /** Execution providers in order of preference, as the runtime names them; default `['cpu']`. */
  readonly providers?: readonly string[];
  /** True: nothing is kept ready for all intermediate tensors at once, which saves memory where they are large. */
  readonly lean?: boolean;
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

/**
 * A model in one piece, or the path of its file: the only way for one whose weights lie in files
 * beside it, which are then read from there. A browser takes pieces only.
 */
export type ModelData = Uint8Array | string;

/** Port for what runs a model: ONNX Runtime in Node, on a worker thread, or in a browser. */
export interface Runtime {
  readonly name: string;
  readonly version: string;
  /** Highest ai.onnx opset that this runtime understands. */
  readonly maxOpset: number;
  readonly providers: readonly string[];
  load(model: ModelData, options?: LoadOptions): Promise<Session>;
}

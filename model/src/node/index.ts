export * from './child.ts';
export {
  type FindOptions,
  type FoundRuntimes,
  findRuntimes,
  type MissingRuntime,
} from './find-runtimes.ts';
export { type LoadedSpec, loadSpecFor } from './load-spec.ts';
export { makeRuntime } from './make-runtime.ts';
export { DEVICE_ORT } from './ort-capi/name.ts';
export { ORT_MAX_OPSET, ortRuntime } from './ort-runtime.ts';
export { type SharpDecoderOptions, sharpDecoder } from './sharp-decoder.ts';
export { tfliteRuntime } from './tflite/runtime.ts';
export { tfliteWorker } from './tflite/worker.ts';
export type { RuntimeSpec } from './thread-messages.ts';
export { workerRuntime } from './worker-runtime.ts';

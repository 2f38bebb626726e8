export * from './child.ts';
export { type LoadedSpec, loadSpecFor } from './load-spec.ts';
export { ORT_MAX_OPSET, ortRuntime } from './ort-runtime.ts';
export { fromPlain, type PlainError, toPlain } from './plain-error.ts';
export { type SharpDecoderOptions, sharpDecoder } from './sharp-decoder.ts';
export { detached } from './thread-messages.ts';
export { workerRuntime } from './worker-runtime.ts';

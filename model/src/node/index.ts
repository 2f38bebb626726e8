export * from './child.ts';
export { type LoadedSpec, loadSpecFor } from './load-spec.ts';
export { ORT_MAX_OPSET, ortRuntime } from './ort-runtime.ts';
export { type SharpDecoderOptions, sharpDecoder } from './sharp-decoder.ts';
export { workerRuntime } from './worker-runtime.ts';

export * from './child.ts';
export { type LoadedSpec, loadSpecFor } from './load-spec.ts';
export { DEVICE_ORT, deviceOrtRuntime, type LibraryFacts } from './ort-capi/runtime.ts';
export { deviceOrtWorker } from './ort-capi/worker.ts';
export { ORT_MAX_OPSET, ortRuntime } from './ort-runtime.ts';
export { type SharpDecoderOptions, sharpDecoder } from './sharp-decoder.ts';
export { tfliteRuntime } from './tflite/runtime.ts';
export { tfliteWorker } from './tflite/worker.ts';
export { workerRuntime } from './worker-runtime.ts';

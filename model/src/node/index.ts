export { ORT_MAX_OPSET, ortRuntime } from './ort-runtime.ts';
export { type SharpDecoderOptions, sharpDecoder } from './sharp-decoder.ts';

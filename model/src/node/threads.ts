/** What a thread needs to run a model and to talk of it; decoders and specs stay with its owner. */
export { tensorError } from '../tensors.ts';
export { ortRuntime } from './ort-runtime.ts';
export { fromPlain, type PlainError, toPlain } from './plain-error.ts';
export { detached } from './thread-messages.ts';

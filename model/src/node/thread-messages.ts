import type { LoadOptions, ModelData, Session } from '../runtime.ts';
import { ELEMENT_TYPES, type Tensor, type Tensors } from '../tensor.ts';
import type { PlainError } from './plain-error.ts';
import type { SpareBuffers } from './spare-buffers.ts';

/** Which runtime a thread makes for itself. */
export type RuntimeSpec =
  | { readonly kind: 'onnxruntime' }
  | { readonly kind: 'onnxruntime-device'; readonly library: string }
  | { readonly kind: 'tflite' };

/** What a thread is started with. */
export interface ThreadData {
  readonly runtime: RuntimeSpec;
  readonly model: ModelData;
  readonly options: LoadOptions | undefined;
}

/** What the owner of a session says to its thread. */
export type ToThread =
  | { readonly kind: 'run'; readonly id: number; readonly feeds: Tensors }
  | { readonly kind: 'dispose' };

/** What the thread answers; `loaded` or `refused` comes first, once. */
export type FromThread =
  | { readonly kind: 'loaded'; readonly facts: SessionFacts }
  | { readonly kind: 'refused'; readonly error: PlainError }
  | {
      readonly kind: 'ran';
      readonly id: number;
      readonly outputs: Tensors;
      /** Those of the feeds, given back. */
      readonly spent: readonly ArrayBuffer[];
    }
  | { readonly kind: 'failed'; readonly id: number; readonly error: PlainError };

export type SessionFacts = Pick<
  Session,
  'inputs' | 'outputs' | 'runtime' | 'provider' | 'fallbacks'
>;

/**
 * Tensors in buffers of their own, to be handed over without a second copy.
 *
 * @param spare buffers to copy into; each is used once
 */
export function detached(
  tensors: Tensors,
  spare?: SpareBuffers,
): { copy: Tensors; buffers: ArrayBuffer[] } {
  const buffers: ArrayBuffer[] = [];
  const entries = Object.entries(tensors).map(([name, { type, shape, data }]) => {
    const buffer = spare?.take(data.byteLength) ?? new ArrayBuffer(data.byteLength);
    new Uint8Array(buffer).set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    buffers.push(buffer);
    return [name, { type, shape, data: new ELEMENT_TYPES[type](buffer) } satisfies Tensor] as const;
  });
  return { copy: Object.fromEntries(entries), buffers };
}

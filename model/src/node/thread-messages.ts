import type { LoadOptions, ModelData, Session } from '../runtime.ts';
import {
  ELEMENT_TYPES,
  type ElementType,
  type Tensor,
  type TensorData,
  type Tensors,
} from '../tensor.ts';
import type { PlainError } from './plain-error.ts';
import type { SpareBuffers } from './spare-buffers.ts';

/** Which runtime a thread makes for itself. */
export type RuntimeSpec =
  | { readonly kind: 'onnxruntime' }
  | { readonly kind: 'onnxruntime-device'; readonly library: string }
  | { readonly kind: 'tflite' };

/** What a thread is told first. */
export interface LoadOrder {
  readonly runtime: RuntimeSpec;
  readonly model: ModelData;
  readonly options: LoadOptions | undefined;
}

/** What the owner of a session says to its thread: to load it, to run, or that it is over. */
export type ToThread = LoadOrder | readonly [id: number, ...feeds: FlatTensors] | 'dispose';

/** What the thread answers; `loaded` or `refused` comes first, once. */
export type FromThread =
  | { readonly kind: 'loaded'; readonly facts: SessionFacts }
  | { readonly kind: 'refused'; readonly error: PlainError }
  | Ran
  | { readonly kind: 'failed'; readonly id: number; readonly error: PlainError };

/** Answer to a run, with the buffers of its feeds given back. */
export type Ran = readonly [id: number, spent: readonly ArrayBuffer[], ...outputs: FlatTensors];

/**
 * Name, type, shape and data of each tensor, one after the other: what goes between threads costs by
 * the object and the property, and that as often as a model runs.
 */
export type FlatTensors = readonly (string | readonly number[] | TensorData)[];

export type SessionFacts = Pick<
  Session,
  'inputs' | 'outputs' | 'runtime' | 'provider' | 'fallbacks'
>;

/** Tensors in buffers of their own, to be handed over without a second copy. */
export function detached(tensors: Tensors): { copy: Tensors; buffers: ArrayBuffer[] } {
  const { flat, buffers } = flatten(tensors);
  return { copy: unflatten(flat), buffers };
}

/**
 * Tensors as a flat list, in buffers of their own.
 *
 * @param spare buffers to copy into; each is used once
 */
export function flatten(
  tensors: Tensors,
  spare?: SpareBuffers,
): { flat: FlatTensors; buffers: ArrayBuffer[] } {
  const flat: FlatTensors[number][] = [];
  const buffers: ArrayBuffer[] = [];
  for (const name of Object.keys(tensors)) {
    const { type, shape, data } = tensors[name]!;
    const buffer = spare?.take(data.byteLength) ?? new ArrayBuffer(data.byteLength);
    const copy = new ELEMENT_TYPES[type](buffer);
    copy.set(data as never);
    buffers.push(buffer);
    flat.push(name, type, shape, copy);
  }
  return { flat, buffers };
}

/** What `flatten` made, as tensors again. */
export function unflatten(flat: FlatTensors): Tensors {
  const entries: [string, Tensor][] = [];
  for (let i = 0; i < flat.length; i += 4) {
    const tensor = {
      type: flat[i + 1] as ElementType,
      shape: flat[i + 2] as readonly number[],
      data: flat[i + 3] as TensorData,
    };
    entries.push([flat[i] as string, tensor]);
  }
  // a model may call a tensor __proto__
  return Object.fromEntries(entries);
}

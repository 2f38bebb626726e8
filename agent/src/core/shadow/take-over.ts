import { ELEMENT_TYPES, type Preprocessed, type Tensor, type Tensors } from '@flotilla/model';
import type { Inference, LoadedModel, RawInputs } from '../serving/loaded-model.ts';

/** Keeps what a model was given, until it is run through another. */
type Taker = (inputs: RawInputs, prepared: Preprocessed) => () => Promise<Inference>;

/**
 * What the active model's preprocessing made goes to the shadow as it is where both prepare alike;
 * else the shadow prepares the inputs itself. Buffers of the caller are copied: with the answer they
 * are the caller's again.
 */
export function createTaker(active: LoadedModel, shadow: LoadedModel): Taker {
  if (!prepareAlike(active, shadow)) {
    return (inputs) => {
      const kept = mapValues(inputs, (input) =>
        input instanceof Uint8Array ? new Uint8Array(input) : copyOf(input),
      );
      return () => shadow.infer(kept);
    };
  }
  return (inputs, prepared) => {
    const lent = new Set(Object.values(inputs).map(bufferOf));
    const tensors: Tensors = mapValues(prepared.tensors, (tensor) =>
      lent.has(tensor.data.buffer) ? copyOf(tensor) : tensor,
    );
    return () => shadow.inferPrepared({ ...prepared, tensors });
  };
}

const prepareAlike = (a: LoadedModel, b: LoadedModel): boolean =>
  JSON.stringify([a.bundle.spec.inputs, a.inputs]) ===
  JSON.stringify([b.bundle.spec.inputs, b.inputs]);

const bufferOf = (input: Uint8Array | Tensor): ArrayBufferLike =>
  input instanceof Uint8Array ? input.buffer : input.data.buffer;

/** Not by `slice`, which gives a view of a Buffer. */
const copyOf = ({ type, shape, data }: Tensor): Tensor => {
  const bytes = new Uint8Array(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return { type, shape, data: new ELEMENT_TYPES[type](bytes.buffer) };
};

const mapValues = <T, U>(values: Readonly<Record<string, T>>, change: (value: T) => U) =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, change(value)]));

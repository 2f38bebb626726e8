import type { ConstantInput } from '../spec/types.ts';
import { ELEMENT_TYPES, type TensorInfo } from '../tensor.ts';
import { checkTensor, tensorError } from '../tensors.ts';
import { type Feeder, isTensor } from './feed.ts';
import { smallest, tensorOf } from './numbers.ts';
import { tensorFeatures } from './statistics.ts';

/** Feeds a tensor as the caller gives it. */
export function rawFeeder(info: TensorInfo): Feeder {
  return {
    fromCaller: true,
    async feed(raw) {
      if (!isTensor(raw)) {
        throw tensorError(info.name, 'takes a tensor, not encoded bytes');
      }
      checkTensor(info.name, raw);
      return { tensor: raw, features: tensorFeatures(info.name, raw) };
    },
  };
}

/** Feeds the same tensor each time: a scalar fills it, a list gives its elements. */
export function constantFeeder(
  info: TensorInfo,
  input: ConstantInput,
  mismatch: (reason: string) => never,
): Feeder {
  const { shape, count } = smallest(info);
  const { value } = input;
  if (value.length === 1) return fixed(tensorOf(new Array(count).fill(value[0]), shape, info.type));
  if (info.shape.length === 1 && info.shape[0] === -1) {
    return fixed(tensorOf(value, [value.length], info.type));
  }
  if (value.length !== count) {
    mismatch(`has ${value.length} elements but the model takes [${info.shape}]`);
  }
  return fixed(tensorOf(value, shape, info.type));
}

/** Feeds a state as the caller gives it, or zeros in the declared shape. */
export function stateFeeder(info: TensorInfo): Feeder {
  const { shape, count } = smallest(info);
  const zeros = { type: info.type, shape, data: new ELEMENT_TYPES[info.type](count) };
  return {
    fromCaller: false,
    async feed(raw) {
      if (isTensor(raw)) checkTensor(info.name, raw);
      return { tensor: isTensor(raw) ? raw : zeros, features: {} };
    },
  };
}

function fixed(tensor: ReturnType<typeof tensorOf>): Feeder {
  return { fromCaller: false, feed: async () => ({ tensor, features: {} }) };
}

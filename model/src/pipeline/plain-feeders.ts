import type { ConstantInput } from '../spec/types.ts';
import { ELEMENT_TYPES, type Tensor, type TensorInfo } from '../tensor.ts';
import { checkTensor, tensorError } from '../tensors.ts';
import { type Feeder, isTensor } from './feed.ts';
import { smallest, tensorOf } from './numbers.ts';
import type { TensorStatistics } from './statistics.ts';

/** Feeds a tensor as the caller gives it. */
export function rawFeeder(info: TensorInfo, statistics: TensorStatistics): Feeder {
  return {
    fromCaller: true,
    async feed(raw) {
      if (!isTensor(raw)) {
        throw tensorError(info.name, 'takes a tensor, not encoded bytes');
      }
      checkTensor(info.name, raw);
      return { tensor: raw, features: statistics(raw) };
    },
  };
}

/** Feeds the same numbers each time, in a tensor of the caller's own. */
export function constantFeeder(
  info: TensorInfo,
  input: ConstantInput,
  mismatch: (reason: string) => never,
): Feeder {
  const tensor = constantTensor(info, input, mismatch);
  const copy = (): Tensor => ({ ...tensor, data: tensor.data.slice() });
  return { fromCaller: false, feed: async () => ({ tensor: copy(), features: {} }) };
}

/** What a constant is fed as: a scalar fills the tensor, a list gives its elements. */
export function constantTensor(
  info: TensorInfo,
  { value }: ConstantInput,
  mismatch: (reason: string) => never,
): Tensor {
  const { shape, count } = smallest(info);
  if (value.length === 1) return tensorOf(new Array(count).fill(value[0]), shape, info.type);
  if (info.shape.length === 1 && info.shape[0] === -1) {
    return tensorOf(value, [value.length], info.type);
  }
  if (value.length !== count) {
    mismatch(`has ${value.length} elements but the model takes [${info.shape}]`);
  }
  return tensorOf(value, shape, info.type);
}

/** Feeds a state as the caller gives it, or zeros in the declared shape. */
export function stateFeeder(info: TensorInfo): Feeder {
  const { shape, count } = smallest(info);
  const zeros = () => ({ type: info.type, shape, data: new ELEMENT_TYPES[info.type](count) });
  return {
    fromCaller: false,
    async feed(raw) {
      if (isTensor(raw)) checkTensor(info.name, raw);
      return { tensor: isTensor(raw) ? raw : zeros(), features: {} };
    },
  };
}

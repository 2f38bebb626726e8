import { describe, expect, it } from 'vitest';
import type { Tensor } from './tensor.ts';
import { checkFeeds, checkTensor } from './tensors.ts';

const x: Tensor = { type: 'FP32', shape: [1, 2], data: Float32Array.of(1, 2) };
const inputs = [{ name: 'x', type: 'FP32', shape: [-1, 2] }] as const;

describe('checkTensor', () => {
  it.each([
    [{ ...x, shape: [3] }, 'needs 3 elements, not 2'],
    [{ ...x, shape: [-1, 2] }, 'whole numbers'],
    [{ ...x, shape: [1.5] }, 'whole numbers'],
    [{ ...x, type: 'INT8' as const }, 'Int8Array'],
    [{ ...x, type: 'toString' as 'FP32' }, 'unknown type toString'],
  ])('refuses %j', (tensor, reason) => {
    expect(() => checkTensor('x', tensor)).toThrow(reason);
  });

  it('takes a scalar', () => {
    checkTensor('s', { type: 'INT64', shape: [], data: BigInt64Array.of(1n) });
  });
});

describe('checkFeeds', () => {
  it('takes what fits, any size where the model leaves it open', () => {
    checkFeeds({ x }, inputs);
    checkFeeds({ x: { ...x, shape: [2, 2], data: new Float32Array(4) } }, inputs);
  });

  it.each([
    [{}, 'tensor x is missing; the model takes x'],
    [{ x, z: x }, 'tensor z is not an input of the model, which takes x'],
    [{ x: { ...x, shape: [2] } }, 'has shape [2], the model takes [-1,2]'],
    [
      { x: { type: 'INT8', shape: [1, 2], data: new Int8Array(2) } as const },
      'the model takes FP32',
    ],
  ])('refuses %j', (feeds, message) => {
    expect(() => checkFeeds(feeds, inputs)).toThrow(message);
  });
});

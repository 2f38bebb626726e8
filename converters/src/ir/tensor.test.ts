import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DATA_TYPES, type DataType, dataTypeOfCode } from './dtype.ts';
import {
  elementCount,
  float32Tensor,
  fromNumbers,
  int64Tensor,
  isFilledWith,
  isNumeric,
  makeTensor,
  reshaped,
  toBigInts,
  toFloats,
  toNumbers,
} from './tensor.ts';

const RANGES: readonly (readonly [DataType, number, number])[] = [
  ['uint8', 0, 255],
  ['int8', -128, 127],
  ['uint16', 0, 65535],
  ['int16', -32768, 32767],
  ['uint32', 0, 2 ** 32 - 1],
  ['int32', -(2 ** 31), 2 ** 31 - 1],
  ['int64', Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
  ['uint64', 0, Number.MAX_SAFE_INTEGER],
];

describe('numbers in and out of a tensor', () => {
  it.each(RANGES)('%s', (dtype, min, max) => {
    const values = fc.array(fc.integer({ min, max }), { maxLength: 20 });
    const property = fc.property(values, (numbers) => {
      const tensor = fromNumbers(dtype, [numbers.length], numbers);
      expect(Array.from(toNumbers(tensor))).toEqual(numbers);
      expect(toBigInts(tensor)).toEqual(numbers.map(BigInt));
    });
    fc.assert(property, { seed: 7 });
  });

  it.each([
    ['float32', 1.1, 1.100000023841858],
    ['float64', 1.1, 1.1],
    ['float16', 1.1, 1.099609375],
    ['float16', 65519, 65504],
    ['float16', 65520, Number.POSITIVE_INFINITY],
    ['float16', 2 ** -24, 2 ** -24],
    ['bfloat16', 1.1, 1.1015625],
    ['bfloat16', Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY],
    ['bool', 7, 1],
  ] as const)('%s rounds %d to %d', (dtype, value, rounded) => {
    expect(toNumbers(fromNumbers(dtype, [], [value]))[0]).toBe(rounded);
  });

  it('round trips every bit pattern of bfloat16 and float16', () => {
    for (const dtype of ['bfloat16', 'float16'] as const) {
      const bits = Uint16Array.from({ length: 65536 }, (_, i) => i);
      const numbers = toNumbers(makeTensor(dtype, [65536], bits));
      const again = toNumbers(fromNumbers(dtype, [65536], numbers));
      expect(again).toEqual(numbers);
    }
  });

  it('gives floats without a copy where they lie aligned, and right ones where not', () => {
    const tensor = float32Tensor([2], [1, 2]);
    expect(toFloats(tensor).buffer).toBe(tensor.bytes.buffer);
    const shifted = new Uint8Array(9);
    shifted.set(tensor.bytes, 1);
    expect([...toFloats({ ...tensor, bytes: shifted.subarray(1) })]).toEqual([1, 2]);
    expect([...toFloats({ ...tensor, bytes: Buffer.from(shifted.subarray(1)) })]).toEqual([1, 2]);
  });
});

it('tells a tensor of one number', () => {
  expect(isFilledWith(float32Tensor([3], [1, 1, 1]), 1)).toBe(true);
  expect(isFilledWith(float32Tensor([3], [1, 1, 2]), 1)).toBe(false);
  expect(isFilledWith(float32Tensor([3], [2, 1, 1]), 1)).toBe(false);
  expect(isFilledWith(float32Tensor([0], []), 1)).toBe(true);
  expect(isFilledWith(makeTensor('int4', [2], Uint8Array.of(0x11)), 1)).toBe(false);
});

describe('sizes', () => {
  it('refuses bytes and dimensions that do not fit', () => {
    expect(() => makeTensor('float32', [2], new Float32Array(3))).toThrow(/8 bytes, not 12/);
    expect(() => reshaped(int64Tensor([4], [1, 2, 3, 4]), [3])).toThrow(/cannot be reshaped/);
    expect(makeTensor('int4', [3], new Uint8Array(2)).dims).toEqual([3]);
  });

  it('counts a scalar as one element and an empty tensor as none', () => {
    expect(elementCount({ dims: [] })).toBe(1);
    expect(elementCount({ dims: [3, 0] })).toBe(0);
  });
});

describe('DATA_TYPES', () => {
  it.each(Object.entries(DATA_TYPES))('%s has a code of its own and a known width', (name, row) => {
    expect(dataTypeOfCode(row.code)).toBe(name);
    expect([0, 2, 4, 6, 8, 16, 32, 64, 128]).toContain(row.bits);
    if (isNumeric(name as DataType)) expect(row.bits).toBeGreaterThanOrEqual(8);
  });
});

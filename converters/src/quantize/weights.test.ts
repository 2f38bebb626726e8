import { TARGETS } from '@flotilla/targets';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { float32Tensor, toNumbers } from '../ir/tensor.ts';
import { quantizeBias, quantizeWeights } from './weights.ts';

const FORM = TARGETS['x86-64'].qdq;
const weight = fc.float({ min: -100, max: 100, noNaN: true });

test('each channel has its own scale, and is off by half a step of it at most', () => {
  const dims = [3, 2, 2];
  const values = fc.array(weight, { minLength: 12, maxLength: 12 });
  fc.assert(
    fc.property(values, fc.constantFrom(0, 1, 2), (data, axis) => {
      const result = quantizeWeights(float32Tensor(dims, data), axis, FORM);
      expect(result.scales).toHaveLength(dims[axis]!);
      const quantized = toNumbers(result.values);
      const inner = [4, 2, 1][axis]!;
      data.forEach((value, i) => {
        const scale = result.scales[Math.floor(i / inner) % dims[axis]!]!;
        expect(Math.abs(value - quantized[i]! * scale)).toBeLessThanOrEqual(scale * 0.5001);
        expect(quantized[i]).toBeGreaterThanOrEqual(-127);
      });
    }),
  );
});

test('a reduced range keeps weights in seven bits', () => {
  const tensor = float32Tensor([1, 3], [-2, 0.5, 2]);
  const { values } = quantizeWeights(tensor, 0, { ...FORM, reduceRange: true });
  expect([...toNumbers(values)]).toEqual([-63, 16, 63]);
});

test('a channel of zeros stays zero', () => {
  const { values, scales } = quantizeWeights(float32Tensor([2, 1], [0, 3]), 0, FORM);
  expect([...toNumbers(values)]).toEqual([0, 127]);
  expect(scales[0]).toBe(1);
});

test('a bias is off by half a step at most, also where tiny weights would overflow it', () => {
  const bias = fc.array(fc.float({ min: -1e4, max: 1e4, noNaN: true }), {
    minLength: 2,
    maxLength: 2,
  });
  const tiny = fc.float({ min: Math.fround(1e-20), max: 1, noNaN: true });
  fc.assert(
    fc.property(bias, tiny, (values, magnitude) => {
      const given = { values: Float32Array.from(values), activationScale: 0.01 };
      const tensor = float32Tensor([2, 1], [magnitude, -magnitude]);
      const { scales } = quantizeWeights(tensor, 0, FORM, given);
      const result = quantizeBias(given.values, 0.01, scales);
      toNumbers(result.values).forEach((quantized, i) => {
        const scale = result.scales[i]!;
        const error = Math.abs(quantized * scale - given.values[i]!);
        expect(error).toBeLessThanOrEqual(scale * 0.51 + Math.abs(given.values[i]!) * 1e-6);
      });
    }),
  );
});

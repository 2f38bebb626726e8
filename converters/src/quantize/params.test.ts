import { ortRuntime } from '@flotilla/model/node';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { writeOnnx } from '../formats/onnx/write.ts';
import { makeGraph, makeModel, makeNode, tensorInfo } from '../ir/graph.ts';
import { float32Tensor, fromNumbers } from '../ir/tensor.ts';
import {
  activationParams,
  QUANTIZED,
  type QuantizedType,
  quantizeValue,
  scaleWithin,
} from './params.ts';

const bound = fc.float({ min: -1e4, max: 1e4, noNaN: true });
const range = fc
  .tuple(bound, bound)
  .map(([a, b]) => ({ min: Math.min(a, b), max: Math.max(a, b) }));
const type = fc.constantFrom<QuantizedType>('uint8', 'int8');

test('zero is exact, and what lies in the range is off by half a step at most', () => {
  fc.assert(
    fc.property(range, type, fc.double({ min: 0, max: 1, noNaN: true }), (limits, to, share) => {
      const params = activationParams(limits, to, false);
      expect(quantizeValue(0, params)).toBe(params.zeroPoint);
      const value = limits.min + share * (limits.max - limits.min);
      const back = (quantizeValue(value, params) - params.zeroPoint) * params.scale;
      // Rounding of the zero point can shift the range by half a step beyond the value's own.
      expect(Math.abs(back - value)).toBeLessThanOrEqual(params.scale * 1.01);
    }),
  );
});

test('a range that starts at 0 has its zero point at the bottom, so that Relu can be absorbed', () => {
  fc.assert(
    fc.property(fc.float({ min: 0, max: 1e6, noNaN: true }), type, (max, to) => {
      expect(activationParams({ min: 0, max }, to, false).zeroPoint).toBe(QUANTIZED[to].min);
    }),
  );
});

test('a symmetric form has its zero point in the middle', () => {
  expect(activationParams({ min: -1, max: 3 }, 'int8', true)).toMatchObject({ zeroPoint: 0 });
  expect(activationParams({ min: -1, max: 3 }, 'uint8', true)).toMatchObject({ zeroPoint: 128 });
});

test('a tensor of zeros gets a scale that divides', () => {
  expect(activationParams({ min: 0, max: 0 }, 'uint8', false).scale).toBe(1);
  expect(activationParams({ min: 0, max: 1e-44 }, 'uint8', false).scale).toBeGreaterThan(1e-38);
});

test('no dequantized value exceeds the bound of a Clip', () => {
  fc.assert(
    fc.property(fc.float({ min: Math.fround(0.01), max: 1e4, noNaN: true }), (high) => {
      const params = activationParams({ min: 0, max: high }, 'uint8', false);
      const { scale } = scaleWithin(params, high);
      expect(Math.fround(scale * 255)).toBeLessThanOrEqual(high);
      expect(scale).toBeGreaterThan(params.scale * (1 - 1e-6));
    }),
  );
});

test('values are quantized as ONNX Runtime does it', async () => {
  const params = activationParams({ min: -3, max: 5 }, 'uint8', false);
  const values = Float32Array.from({ length: 4001 }, (_, i) => (i - 2000) * params.scale * 0.1);
  const graph = makeGraph(
    'q',
    [tensorInfo('x', 'float32', [4001])],
    [tensorInfo('y', 'uint8', [4001])],
  );
  graph.initializers.set('scale', float32Tensor([], [params.scale]));
  graph.initializers.set('zero', fromNumbers('uint8', [], [params.zeroPoint]));
  graph.nodes.push(makeNode('QuantizeLinear', 'q', ['x', 'scale', 'zero'], ['y']));
  const session = await ortRuntime().load(writeOnnx(makeModel(graph, 13)));
  const { y } = await session.run({ x: { type: 'FP32', shape: [4001], data: values } });
  await session.dispose();
  expect([...(y?.data ?? [])]).toEqual([...values].map((value) => quantizeValue(value, params)));
});

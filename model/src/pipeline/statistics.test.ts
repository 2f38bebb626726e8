import { describe, expect, test } from 'vitest';
import type { Tensor } from '../tensor.ts';
import { statisticsFor, tensorFeatures } from './statistics.ts';

const tensor = (...values: number[]): Tensor => ({
  type: 'FP32',
  shape: [values.length],
  data: Float32Array.from(values),
});

describe('statistics of a tensor', () => {
  test.each([[[3]], [[3, -1]], [[3, -1, 4]], [[1, -5, 9, 2, 6]]])('are right for %j', (values) => {
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
    const found = tensorFeatures('x', tensor(...values));
    expect(found['x.mean']).toBeCloseTo(mean, 6);
    expect(found['x.std']).toBeCloseTo(Math.sqrt(variance), 6);
    expect(found['x.min']).toBe(Math.min(...values));
    expect(found['x.max']).toBe(Math.max(...values));
  });

  test('are left out of a tensor of nothing, and where nobody reads them', () => {
    expect(tensorFeatures('x', tensor())).toEqual({});
    expect(statisticsFor('x', new Set(['y.mean']))(tensor(1))).toEqual({});
    const wanted = statisticsFor('x', new Set(['x.std']))(tensor(1));
    expect(wanted).toEqual(tensorFeatures('x', tensor(1)));
    expect(statisticsFor('x', undefined)(tensor(1))).toEqual(wanted);
  });
});

import { describe, expect, it } from 'vitest';
import { compareTensors } from './compare.ts';
import type { Tensor } from './tensor.ts';

describe('compareTensors', () => {
  const of = (...data: number[]): Tensor => ({
    type: 'FP32',
    shape: [data.length],
    data: Float32Array.from(data),
  });

  it('passes within the tolerance, absolute and relative', () => {
    const result = compareTensors(
      { y: of(1, 100) },
      { y: of(1.05, 101) },
      { absolute: 0.06, relative: 0.01 },
    );
    expect(result.passed).toBe(true);
    expect(result.maxAbsError).toBeCloseTo(1);
    expect(result.toleranceUsed).toBeCloseTo(1 / 1.06);
    expect(result.sqnrDb).toBeCloseTo(10 * Math.log10(10001 / 1.0025), 3);
  });

  it('says which tensor differs, and how', () => {
    const tolerance = { absolute: 0.1, relative: 0 };
    expect(compareTensors({ y: of(1, 2) }, { y: of(1, 3) }, tolerance).worst).toEqual({
      tensor: 'y',
      reason: 'differs in 1 of 2 elements, by 1.00 at most',
    });
    expect(compareTensors({ y: of(1) }, {}, tolerance).worst?.reason).toBe('is missing');
    expect(compareTensors({ y: of(1) }, { y: of(1, 2) }, tolerance).worst?.reason).toContain(
      'shape',
    );
    const broken = compareTensors({ y: of(1) }, { y: of(Number.NaN) }, tolerance);
    expect(broken).toMatchObject({ passed: false, maxAbsError: Number.POSITIVE_INFINITY });
    expect(broken.toleranceUsed).toBe(Number.POSITIVE_INFINITY);
    expect(compareTensors({ y: of(1, 2) }, { y: of(1, 3) }, tolerance).toleranceUsed).toBeCloseTo(
      10,
    );
  });

  it('takes no number for an infinity, however wide the relative tolerance', () => {
    const infinite = of(Number.POSITIVE_INFINITY);
    const tolerance = { absolute: 1, relative: 0.1 };
    expect(compareTensors({ y: infinite }, { y: of(1) }, tolerance)).toMatchObject({
      passed: false,
      toleranceUsed: Number.POSITIVE_INFINITY,
    });
    expect(compareTensors({ y: of(1) }, { y: infinite }, tolerance).passed).toBe(false);
  });

  it('takes equal infinities and NaN as equal', () => {
    const odd = of(Number.POSITIVE_INFINITY, Number.NaN);
    const exact = { absolute: 0, relative: 0 };
    expect(compareTensors({ y: odd }, { y: odd }, exact)).toMatchObject({
      passed: true,
      toleranceUsed: 0,
    });
  });
});

import { describe, expect, test } from 'vitest';
import { activationParams, QUANTIZED, quantizeValue, type Range } from '../quantize/params.ts';
import { randomNumbers } from '../random.ts';
import { leastDivergenceRange } from './divergence.ts';
import { addValues, createHistogram, type Histogram } from './histogram.ts';
import { percentileRange } from './percentile.ts';
import { leastSquaresRange } from './squared-error.ts';
import type { ActivationForm } from './statistics.ts';

const UINT8: ActivationForm = { activation: 'uint8', symmetricActivations: false };
const INT8: ActivationForm = { activation: 'int8', symmetricActivations: true };
const SEARCHES = { entropy: leastDivergenceRange, mse: leastSquaresRange } as const;

/** Sums of eight numbers each, nearly normal with deviation 1.6, and one outlier on either side. */
function bell(outlier: number, relu: boolean): Float32Array {
  const random = randomNumbers(1);
  const values = Float32Array.from({ length: 50_000 }, () => {
    let sum = 0;
    for (let i = 0; i < 8; i++) sum += random();
    return relu ? Math.max(sum, 0) : sum;
  });
  values[7] = outlier;
  if (!relu) values[8] = -outlier / 4;
  return values;
}

function seen(values: Float32Array): { histogram: Histogram; extremes: Range } {
  const extremes = { min: Math.min(...values.slice(0)), max: Math.max(...values) };
  const histogram = createHistogram();
  addValues(histogram, values, Math.max(-extremes.min, extremes.max));
  return { histogram, extremes };
}

function squaredError(values: Float32Array, range: Range, form: ActivationForm): number {
  const params = activationParams(range, form.activation, form.symmetricActivations);
  const restored = (value: number) =>
    (quantizeValue(value, params) - params.zeroPoint) * params.scale;
  return values.reduce((sum, value) => sum + (value - restored(value)) ** 2, 0);
}

describe.each(['entropy', 'mse'] as const)('the range of %s', (method) => {
  const search = SEARCHES[method];

  test.each([UINT8, INT8])('cuts outliers off on both sides (%o)', (form) => {
    const { histogram, extremes } = seen(bell(14, false));
    const { min, max } = search(histogram, extremes, form);
    expect(max).toBeLessThan(13);
    expect(max).toBeGreaterThan(4);
    expect(min).toBeLessThan(-3);
    expect(min).toBeGreaterThanOrEqual(extremes.min);
  });

  test('keeps zero at the bottom of what a Relu made', () => {
    const { histogram, extremes } = seen(bell(14, true));
    const range = search(histogram, extremes, UINT8);
    expect(range.min).toBe(0);
    expect(activationParams(range, 'uint8', false).zeroPoint).toBe(QUANTIZED.uint8.min);
    expect(range.max).toBeLessThan(extremes.max);
  });

  test('moves each end by itself where the values lean to one side', () => {
    const values = bell(6, false).map((value) => (value < 0 ? value / 8 : value));
    const { histogram, extremes } = seen(values);
    const { min, max } = search(histogram, extremes, UINT8);
    expect(max / -min).toBeGreaterThan(3);
  });

  test('is that of the values where they are all alike', () => {
    const { histogram, extremes } = seen(new Float32Array(100));
    expect(search(histogram, extremes, UINT8)).toEqual({ min: 0, max: 0 });
  });
});

/** Numbers between 0 and 1. */
function positives(seed: number): () => number {
  const random = randomNumbers(seed);
  return () => (random() + 1) / 2;
}

/** A convolution over images that are mostly background: there its outputs are its biases. */
function background(values: Float32Array, share: number): Float32Array {
  const random = positives(2);
  const biases = [-0.24, -0.11, -0.03, -0.01, 0.02, 0.05, 0.07, 0.09];
  return values.map((value) =>
    random() < share ? biases[Math.floor(random() * biases.length)]! : value,
  );
}

/** Logits of a sure classifier: one class of ten stands out, far from the others. */
function logits(): Float32Array {
  const random = randomNumbers(3);
  return Float32Array.from({ length: 1000 }, (_, i) =>
    i % 10 === 0 ? 22 + 6 * random() : -6 + 8 * random(),
  );
}

/** What activations behind a Relu are: many small, few large, none apart from the others. */
function decaying(): Float32Array {
  const random = positives(4);
  return Float32Array.from({ length: 50_000 }, () => -Math.log(random() + 1e-6));
}

describe.each([
  ['of few distinct values and a spread', background(bell(5, false), 0.9)],
  ['of hardly any but distinct values', background(bell(5, false), 0.995)],
  ['behind a Relu', background(bell(5, true), 0.9).map((value) => Math.max(value, 0))],
  ['of a sure classifier', logits()],
  ['that decay', decaying()],
  ['of pixels', Float32Array.from({ length: 8000 }, (_, i) => (i % 10 === 0 ? 1 : 0))],
])('on values %s', (_, values) => {
  const { histogram, extremes } = seen(values);

  test.each([
    ['entropy', UINT8],
    ['entropy', INT8],
    ['mse', UINT8],
    ['mse', INT8],
  ] as const)('%s brings no more squared error than cutting nothing off (%o)', (method, form) => {
    const range = SEARCHES[method](histogram, extremes, form);
    const whole = squaredError(values, extremes, form);
    expect(squaredError(values, range, form)).toBeLessThanOrEqual(whole * 1.02 + 1e-9);
  });
});

test.each([UINT8, INT8])('no range has much less squared error than that of mse (%o)', (form) => {
  const values = bell(25, false);
  const { histogram, extremes } = seen(values);
  const own = squaredError(values, leastSquaresRange(histogram, extremes, form), form);
  expect(own).toBeLessThan(squaredError(values, extremes, form));
  for (let max = 2; max <= 25; max += 1) {
    for (let min = -6; min <= -2; min += 1) {
      expect(own).toBeLessThan(squaredError(values, { min, max }, form) * 1.02);
    }
  }
});

test('a percentile leaves out no more than its share, those of largest magnitude', () => {
  const values = bell(60, false);
  const { histogram, extremes } = seen(values);
  const { min, max } = percentileRange(histogram, extremes, 0.999);
  const outside = values.filter((value) => value < min || value > max).length;
  expect(outside).toBeLessThanOrEqual(50);
  expect(outside).toBeGreaterThan(30);
  expect(max).toBeCloseTo(-min, 1);
});

test('a percentile cuts nothing off the side that reaches less far', () => {
  const values = bell(6, false).map((value) => (value < 0 ? value / 8 : value));
  const { histogram, extremes } = seen(values);
  const { min, max } = percentileRange(histogram, extremes, 0.999);
  expect(min).toBe(extremes.min);
  expect(max).toBeLessThan(extremes.max);
});

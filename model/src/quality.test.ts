import { describe, expect, it } from 'vitest';
import type { Prediction } from './pipeline/prediction.ts';
import { judge, pairs } from './quality.ts';

function predicted(index: number, confidence = 0.8, classes = 3): Prediction {
  const rest = (1 - confidence) / (classes - 1);
  const probabilities = new Float32Array(classes).fill(rest);
  probabilities[index] = confidence;
  const label = String(index);
  return { kind: 'classification', index, label, confidence, top: [], probabilities };
}

/** Right at first `right` samples of class 0, else class 1. */
function series(...indices: number[]): Prediction[] {
  return indices.map((index) => predicted(index));
}

describe('pairs', () => {
  it('counts lost and won samples against the labels', () => {
    const labels = [0, 0, 0, 1, 1];
    const quality = pairs(series(0, 0, 1, 1, 2), series(0, 1, 0, 1, 2), labels);
    expect(quality).toMatchObject({
      metric: 'top1',
      samples: 5,
      fp32: 0.6,
      variant: 0.6,
      lost: 1,
      won: 1,
      agreement: 0.6,
      pValue: 1,
    });
    expect(quality.interval[0]).toBeCloseTo(-quality.interval[1], 12);
  });

  it('judges by agreement where there are no labels', () => {
    const quality = pairs(series(0, 1, 2, 0), series(0, 1, 2, 1));
    expect(quality).toMatchObject({ metric: 'agreement', fp32: 1, variant: 0.75, lost: 1, won: 0 });
  });

  it('measures how far probabilities are apart', () => {
    expect(pairs(series(0), series(0)).kl).toBeCloseTo(0, 9);
    const softer = pairs([predicted(0, 0.8)], [predicted(0, 0.5)]).kl;
    expect(softer).toBeCloseTo(0.8 * Math.log(0.8 / 0.5) + 0.2 * Math.log(0.1 / 0.25), 5);
    expect(pairs([predicted(0, 1)], [predicted(1, 1)]).kl).toBeLessThan(20);
  });

  it('gives an interval that narrows with the samples', () => {
    const width = (n: number) => {
      const fp32 = Array.from({ length: n }, () => predicted(0));
      const variant = fp32.map((_, i) => predicted(i % 10 === 0 ? 1 : 0));
      const { interval } = pairs(fp32, variant, new Array(n).fill(0));
      expect(interval[0]).toBeLessThan(0.1);
      expect(interval[1]).toBeGreaterThan(0.1);
      return interval[1] - interval[0];
    };
    expect(width(1000)).toBeLessThan(width(100) / 2.5);
  });

  it('is all zero without samples', () => {
    expect(pairs([], [])).toMatchObject({ samples: 0, fp32: 0, agreement: 0, kl: 0 });
  });
});

describe('judge', () => {
  const quality = (lost: number, won: number, samples: number) => {
    const fp32 = Array.from({ length: samples }, (_, i) => predicted(i < won ? 1 : 0));
    const variant = fp32.map((_, i) => predicted(i >= won && i < won + lost ? 1 : 0));
    return pairs(fp32, variant, new Array(samples).fill(0));
  };

  it('passes by point estimate within the budget', () => {
    expect(judge(quality(1, 5, 200), 0.01)).toEqual({
      passed: true,
      judged: 'passed by point estimate: net loss -2.00 % (1 lost, 5 won of 200), budget 1.00 %',
    });
  });

  it('passes by interval where the samples cannot tell', () => {
    const verdict = judge(quality(6, 2, 200), 0.01);
    expect(verdict.passed).toBe(true);
    expect(verdict.judged).toContain('passed by interval: net loss 2.00 % (6 lost, 2 won of 200)');
  });

  it('fails a loss that is certain', () => {
    const verdict = judge(quality(40, 2, 200), 0.01);
    expect(verdict).toMatchObject({ passed: false });
    expect(verdict.judged).toContain('failed: net loss 19.00 %');
  });

  it('fails without samples', () => {
    expect(judge(pairs([], []), 0.01).passed).toBe(false);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { normals, uniforms } from '../testing/random.ts';
import {
  benjaminiHochberg,
  chiSquareCdf,
  chiSquareQuantile,
  chiSquareTail,
  createCusum,
  hellinger,
  jsDistance,
  klDivergence,
  ks,
  ksPValue,
  ksTwoSample,
  mcnemar,
  normalCdf,
  normalQuantile,
  psi,
  psiPValue,
  psiThreshold,
  shares,
  wasserstein,
} from './statistics.ts';

/** Probabilities of N(shift, 1) in bins that hold equal shares of N(0, 1). */
function quantileBins(bins: number, shift: number): number[] {
  const edges = Array.from({ length: bins - 1 }, (_, i) => normalQuantile((i + 1) / bins) - shift);
  const below = [...edges.map(normalCdf), 1];
  return below.map((share, i) => share - (below[i - 1] ?? 0));
}

/** Probabilities of N(shift, 1) in bins of width 0.01 from −8 to 8. */
function fineBins(shift: number): number[] {
  const below = Array.from({ length: 1601 }, (_, i) => normalCdf(-8 + i * 0.01 - shift));
  return below.slice(1).map((share, i) => share - below[i]!);
}

describe('distances between N(0,1) and N(δ,1)', () => {
  it.each([
    { shift: 0.5, psi: 0.2377, js: 0.1741, ks: 0.1974, w1: 0.5, hellinger: 0.1754 },
    { shift: 0.2, psi: 0.0383, js: 0.0705, ks: 0.0797, w1: 0.2, hellinger: 0.0706 },
  ])('δ = $shift', ({ shift, ...expected }) => {
    expect(psi(quantileBins(10, 0), quantileBins(10, shift))).toBeCloseTo(expected.psi, 4);
    const [p, q] = [fineBins(0), fineBins(shift)];
    expect(jsDistance(p, q)).toBeCloseTo(expected.js, 4);
    expect(ks(p, q)).toBeCloseTo(expected.ks, 4);
    expect(wasserstein(p, q) * 0.01).toBeCloseTo(expected.w1, 4);
    expect(hellinger(p, q)).toBeCloseTo(expected.hellinger, 4);
  });

  it('are 0 between equals, symmetric where they claim it, and bounded', () => {
    const counts = fc.array(fc.nat(1000), { minLength: 2, maxLength: 20 });
    fc.assert(
      fc.property(counts, (a) => {
        const p = shares(a);
        const q = shares(a.toReversed());
        for (const distance of [psi, jsDistance, hellinger, ks, wasserstein]) {
          expect(distance(p, p)).toBeCloseTo(0, 7);
          expect(distance(p, q)).toBeCloseTo(distance(q, p), 9);
          expect(distance(p, q)).toBeGreaterThanOrEqual(0);
        }
        expect(jsDistance(p, q)).toBeLessThanOrEqual(Math.sqrt(Math.LN2) + 1e-12);
        expect(hellinger(p, q)).toBeLessThanOrEqual(1);
        expect(klDivergence(p, q)).toBeGreaterThanOrEqual(-1e-12);
      }),
    );
  });
});

describe('distributions', () => {
  it('agree with printed tables', () => {
    expect(normalCdf(1.96)).toBeCloseTo(0.9750021048517796, 14);
    expect(normalCdf(-8) / 6.220960574271785e-16).toBeCloseTo(1, 9);
    expect(normalQuantile(0.975)).toBeCloseTo(1.959963984540054, 12);
    expect(chiSquareQuantile(0.95, 1)).toBeCloseTo(3.841458820694124, 10);
    expect(chiSquareQuantile(0.95, 9)).toBeCloseTo(16.918977604620448, 10);
    expect(chiSquareQuantile(0.999, 19)).toBeCloseTo(43.82019596451753, 9);
  });

  it('invert each other', () => {
    const share = fc.double({ min: 1e-6, max: 1 - 1e-6, noNaN: true });
    fc.assert(
      fc.property(share, fc.integer({ min: 1, max: 100 }), (p, degrees) => {
        const x = chiSquareQuantile(p, degrees);
        expect(chiSquareCdf(x, degrees)).toBeCloseTo(p, 9);
        expect(chiSquareTail(x, degrees)).toBeCloseTo(1 - p, 9);
        expect(normalCdf(normalQuantile(p))).toBeCloseTo(p, 9);
      }),
    );
  });
});

describe('tests of drift', () => {
  it('the PSI threshold holds its level on small windows, where a fixed one does not', () => {
    const uniform = uniforms(1);
    const count = (n: number) => {
      const row = new Array<number>(10).fill(0);
      for (let i = 0; i < n; i++) row[Math.floor(uniform() * 10)]! += 1;
      return row;
    };
    const reference = new Array<number>(10).fill(10_000);
    let fixed = 0;
    let level = 0;
    for (let i = 0; i < 2000; i++) {
      const value = psi(shares(reference), shares(count(100)));
      if (value > 0.1) fixed++;
      if (value > psiThreshold(10, 100, 100_000, 0.05)) level++;
    }
    expect(fixed / 2000).toBeGreaterThan(0.2);
    expect(level / 2000).toBeLessThan(0.07);
  });

  it('the p-value of PSI is the level at the threshold', () => {
    const threshold = psiThreshold(20, 200, 500, 0.01);
    expect(psiPValue(threshold, 20, 200, 500)).toBeCloseTo(0.01, 9);
  });

  it("Benjamini–Hochberg rejects as in the paper's table 1", () => {
    const pValues = [
      0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.324, 0.4262, 0.5719,
      0.6528, 0.759, 1,
    ];
    expect(benjaminiHochberg(pValues, 0.05).filter(Boolean)).toHaveLength(4);
    expect(benjaminiHochberg(pValues.toReversed(), 0.05).indexOf(true)).toBe(11);
    expect(benjaminiHochberg([], 0.05)).toEqual([]);
    expect(benjaminiHochberg([0.5, 0.9], 0.05)).toEqual([false, false]);
  });

  it('McNemar is the exact binomial test', () => {
    expect(mcnemar(1, 5)).toBeCloseTo(0.21875, 12);
    expect(mcnemar(6, 2)).toBeCloseTo(0.2890625, 12);
    expect(mcnemar(0, 10)).toBeCloseTo(2 / 1024, 12);
    expect(mcnemar(0, 0)).toBe(1);
    expect(mcnemar(3, 3)).toBe(1);
    expect(mcnemar(2000, 1800)).toBeCloseTo(0.00124, 4);
  });

  it('KS between samples finds 0.5 σ in a hundred with the known power', () => {
    const normal = normals(7);
    const reference = Array.from({ length: 5000 }, () => normal());
    let found = 0;
    for (let i = 0; i < 200; i++) {
      const window = Array.from({ length: 100 }, () => normal(0.5));
      if (ksPValue(ksTwoSample(reference, window), 5000, 100) < 0.05) found++;
    }
    expect(found / 200).toBeGreaterThan(0.9);
    expect(ksTwoSample([1, 2, 3], [1, 2, 3])).toBe(0);
    expect(ksTwoSample([1, 2], [3, 4])).toBe(1);
    expect(ksPValue(0, 100, 100)).toBe(1);
  });

  it.each([
    { h: 4, shift: 0, expected: 168, runs: 2000 },
    { h: 4, shift: 1, expected: 8.38, runs: 4000 },
    { h: 5, shift: 1, expected: 10.4, runs: 4000 },
  ])('CUSUM with h = $h takes $expected values on average at a shift of $shift', (row) => {
    const normal = normals(row.h * 10 + row.shift);
    let total = 0;
    for (let run = 0; run < row.runs; run++) {
      const cusum = createCusum(0.5, row.h);
      do total++;
      while (!cusum.observe(normal(row.shift)));
    }
    expect(total / row.runs / row.expected).toBeGreaterThan(0.93);
    expect(total / row.runs / row.expected).toBeLessThan(1.07);
  });
});

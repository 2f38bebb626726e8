import { chiSquareQuantile, chiSquareTail, logGamma } from './distributions.ts';

/**
 * PSI above this is significant at `alpha` for a window of n values against a reference of N:
 * χ²₍B−1, 1−α₎ · (1/n + 1/N). A fixed threshold fires on small windows without any drift.
 * Yurdakul, "Statistical properties of population stability index", 2018.
 */
export function psiThreshold(bins: number, n: number, reference: number, alpha: number): number {
  return chiSquareQuantile(1 - alpha, bins - 1) * (1 / n + 1 / reference);
}

/** Probability of a PSI at least this large without drift; see `psiThreshold`. */
export function psiPValue(value: number, bins: number, n: number, reference: number): number {
  return chiSquareTail(value / (1 / n + 1 / reference), bins - 1);
}

/**
 * Benjamini–Hochberg 1995: which of many tests to reject so that at most a share q of the
 * rejections is false.
 *
 * @returns for each p-value whether it is rejected
 */
export function benjaminiHochberg(pValues: readonly number[], q: number): boolean[] {
  const order = pValues.map((_, i) => i).sort((a, b) => pValues[a]! - pValues[b]!);
  const last = order.findLastIndex(
    (test, rank) => pValues[test]! <= (q * (rank + 1)) / order.length,
  );
  const rejected = new Array<boolean>(pValues.length).fill(false);
  for (const test of order.slice(0, last + 1)) rejected[test] = true;
  return rejected;
}

/**
 * Exact two-sided McNemar test on discordant pairs: the probability of a split at least as uneven
 * when both directions are equally likely. McNemar 1947.
 */
export function mcnemar(lost: number, won: number): number {
  const n = lost + won;
  const fewer = Math.min(lost, won);
  if (lost === won) return 1;
  let tail = 0;
  for (let k = 0; k <= fewer; k++) {
    const logChoose = logGamma(n + 1) - logGamma(k + 1) - logGamma(n - k + 1);
    tail += Math.exp(logChoose - n * Math.LN2);
  }
  return Math.min(1, 2 * tail);
}

/** Largest distance between the empirical distribution functions of two samples. */
export function ksTwoSample(a: readonly number[], b: readonly number[]): number {
  const x = a.toSorted((p, q) => p - q);
  const y = b.toSorted((p, q) => p - q);
  let i = 0;
  let j = 0;
  let largest = 0;
  while (i < x.length && j < y.length) {
    const value = Math.min(x[i]!, y[j]!);
    while (x[i] === value) i++;
    while (y[j] === value) j++;
    largest = Math.max(largest, Math.abs(i / x.length - j / y.length));
  }
  return largest;
}

/** Asymptotic p-value of `ksTwoSample` with Stephens' correction (Numerical Recipes §14.3). */
export function ksPValue(distance: number, n: number, m: number): number {
  const root = Math.sqrt((n * m) / (n + m));
  const x = (root + 0.12 + 0.11 / root) * distance;
  if (x < 0.2) return 1;
  let sum = 0;
  for (let k = 1; k <= 100; k++) sum += (k % 2 === 1 ? 2 : -2) * Math.exp(-2 * k * k * x * x);
  return Math.min(1, Math.max(0, sum));
}

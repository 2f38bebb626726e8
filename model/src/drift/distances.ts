/** Distances between two distributions over the same bins, each a list of probabilities that sum to 1. */

/** Added to every count before shares are taken, so that an empty bin has a finite logarithm. */
const PSEUDOCOUNT = 0.5;

/** Counts as probabilities; an empty bin gets half a count (Jeffreys' prior). */
export function shares(counts: readonly number[], pseudocount = PSEUDOCOUNT): number[] {
  const total = counts.reduce((sum, n) => sum + n, 0) + pseudocount * counts.length;
  return counts.map((n) => (n + pseudocount) / total);
}

/** Population stability index Σ (q − p) ln(q / p); symmetric; about 0.1 moderate, 0.25 large. */
export function psi(p: readonly number[], q: readonly number[]): number {
  return sumOver(p, q, (a, b) => (a === b ? 0 : (b - a) * Math.log(b / a)));
}

/** Kullback–Leibler divergence Σ p ln(p / q) in nats; Infinity where q is 0 and p is not. */
export function klDivergence(p: ArrayLike<number>, q: ArrayLike<number>): number {
  return sumOver(p, q, (a, b) => (a === 0 ? 0 : a * Math.log(a / b)));
}

/** Square root of the Jensen–Shannon divergence, natural logarithm: 0 to √ln 2. */
export function jsDistance(p: readonly number[], q: readonly number[]): number {
  const middle = p.map((a, i) => (a + q[i]!) / 2);
  return Math.sqrt(Math.max(0, (klDivergence(p, middle) + klDivergence(q, middle)) / 2));
}

/** Hellinger distance, 0 to 1. */
export function hellinger(p: readonly number[], q: readonly number[]): number {
  return Math.sqrt(sumOver(p, q, (a, b) => (Math.sqrt(a) - Math.sqrt(b)) ** 2) / 2);
}

/** Kolmogorov–Smirnov distance at the edges of the bins, 0 to 1. */
export function ks(p: readonly number[], q: readonly number[]): number {
  let difference = 0;
  let largest = 0;
  for (const [i, a] of p.entries()) {
    difference += q[i]! - a;
    largest = Math.max(largest, Math.abs(difference));
  }
  return largest;
}

/** First Wasserstein distance between bins whose middles lie one unit apart. */
export function wasserstein(p: readonly number[], q: readonly number[]): number {
  let difference = 0;
  let sum = 0;
  for (const [i, a] of p.entries()) {
    difference += q[i]! - a;
    sum += Math.abs(difference);
  }
  return sum;
}

function sumOver(
  p: ArrayLike<number>,
  q: ArrayLike<number>,
  term: (a: number, b: number) => number,
): number {
  let sum = 0;
  for (let i = 0; i < p.length; i++) sum += term(p[i]!, q[i]!);
  return sum;
}

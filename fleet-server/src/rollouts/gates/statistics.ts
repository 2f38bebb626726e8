/**
 * P(Z > z) of a standard normal: half the tail of χ² with one degree of freedom, which keeps its
 * digits far out, where 1 − Φ has lost them all.
 */
export const normalTail = (z: number): number =>
  z < 0 ? 1 - normalTail(-z) : chiSquareTail(z * z, 1) / 2;

/** P(X > x) of χ² with `df` degrees of freedom: the regularized upper incomplete gamma function. */
export function chiSquareTail(x: number, df: number): number {
  if (df <= 0 || x <= 0) return 1;
  const [a, half] = [df / 2, x / 2];
  return half < a + 1 ? 1 - lowerSeries(a, half) : upperFraction(a, half);
}

const TINY = 1e-300;
const STEPS = 500;

/** Numerical Recipes §6.2: P(a, x) by its series, for x < a + 1. */
function lowerSeries(a: number, x: number): number {
  let term = 1 / a;
  let sum = term;
  for (let n = 1; n < STEPS && Math.abs(term) > Math.abs(sum) * 1e-15; n++) {
    term *= x / (a + n);
    sum += term;
  }
  return sum * Math.exp(-x + a * Math.log(x) - logGamma(a));
}

/** Numerical Recipes §6.2: Q(a, x) by Lentz's continued fraction, for x ≥ a + 1. */
function upperFraction(a: number, x: number): number {
  let b = x + 1 - a;
  let c = 1 / TINY;
  let d = 1 / b;
  let h = d;
  for (let i = 1; i < STEPS; i++) {
    const an = -i * (i - a);
    b += 2;
    d = 1 / (Math.abs(an * d + b) < TINY ? TINY : an * d + b);
    c = Math.abs(b + an / c) < TINY ? TINY : b + an / c;
    h *= d * c;
    if (Math.abs(d * c - 1) < 1e-15) break;
  }
  return h * Math.exp(-x + a * Math.log(x) - logGamma(a));
}

const LANCZOS = [
  76.18009172947146, -86.50532032941678, 24.01409824083091, -1.231739572450155,
  0.1208650973866179e-2, -0.5395239384953e-5,
];

/** ln Γ(x) for x > 0 (Lanczos, error below 2e-10). */
function logGamma(x: number): number {
  const sum = LANCZOS.reduce((total, c, i) => total + c / (x + 1 + i), 1.000000000190015);
  return (x + 0.5) * Math.log(x + 5.5) - (x + 5.5) + Math.log((2.5066282746310007 * sum) / x);
}

/**
 * The share of `alpha` that a look at `n` observations may spend. A gate is judged again and again
 * as inferences arrive; each doubling since `minimum` counts as one look, and the shares
 * 1/(k(k+1)) of all looks add up to one, so that the whole rollout errs with `alpha` at most.
 */
export function spentAlpha(alpha: number, n: number, minimum: number): number {
  const look = 1 + Math.max(0, Math.floor(Math.log2(n / Math.max(1, minimum))));
  return alpha / (look * (look + 1));
}

/** `p = 0.012`, or `p < 1e-9` where more digits would say nothing. */
export const writeP = (p: number): string =>
  p < 1e-9 ? 'p < 1e-9' : `p = ${p < 0.001 ? p.toExponential(1) : p.toFixed(3)}`;

export const plural = (count: number, one: string): string =>
  `${count} ${count === 1 ? one : `${one}s`}`;

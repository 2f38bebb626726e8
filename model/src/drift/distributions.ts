/** Distribution functions in double precision; Numerical Recipes §6.1–6.2 unless it says else. */

const LANCZOS = [
  676.5203681218851, -1259.1392167224028, 771.3234287776531, -176.6150291621406, 12.507343278686905,
  -0.13857109526572012, 9.984369578019572e-6, 1.5056327351493116e-7,
] as const;

const MAX_STEPS = 1000;
const EPSILON = 1e-15;

/** ln Γ(x) for x > 0 (Lanczos, g = 7, n = 9). */
export function logGamma(x: number): number {
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x);
  const z = x - 1;
  let sum = 0.9999999999998099;
  for (const [i, coefficient] of LANCZOS.entries()) sum += coefficient / (z + i + 1);
  const t = z + 7.5;
  return 0.5 * Math.log(2 * Math.PI) + (z + 0.5) * Math.log(t) - t + Math.log(sum);
}

/** P(a, x), the regularized lower incomplete gamma function. */
function gammaP(a: number, x: number): number {
  if (x <= 0) return 0;
  if (x === Number.POSITIVE_INFINITY) return 1;
  return x < a + 1 ? gammaSeries(a, x) : 1 - gammaFraction(a, x);
}

/** Q(a, x) = 1 − P(a, x), exact where it is tiny. */
function gammaQ(a: number, x: number): number {
  if (x <= 0) return 1;
  if (x === Number.POSITIVE_INFINITY) return 0;
  return x < a + 1 ? 1 - gammaSeries(a, x) : gammaFraction(a, x);
}

function gammaSeries(a: number, x: number): number {
  let term = 1 / a;
  let sum = term;
  for (let n = 1; n < MAX_STEPS && term > sum * EPSILON; n++) {
    term *= x / (a + n);
    sum += term;
  }
  return sum * Math.exp(a * Math.log(x) - x - logGamma(a));
}

/** Lentz's method for the continued fraction. */
function gammaFraction(a: number, x: number): number {
  const tiny = 1e-300;
  let b = x + 1 - a;
  let c = 1 / tiny;
  let d = 1 / b;
  let product = d;
  for (let i = 1; i < MAX_STEPS; i++) {
    const an = -i * (i - a);
    b += 2;
    d = an * d + b;
    if (Math.abs(d) < tiny) d = tiny;
    c = b + an / c;
    if (Math.abs(c) < tiny) c = tiny;
    d = 1 / d;
    const delta = d * c;
    product *= delta;
    if (Math.abs(delta - 1) < EPSILON) break;
  }
  return product * Math.exp(a * Math.log(x) - x - logGamma(a));
}

/** Φ(x) of the standard normal distribution. */
export function normalCdf(x: number): number {
  const tail = 0.5 * gammaQ(0.5, (x * x) / 2);
  return x < 0 ? tail : 1 - tail;
}

/** The x with Φ(x) = p, for 0 < p < 1. */
export function normalQuantile(p: number): number {
  return bisect(normalCdf, p, -40, 40);
}

/** P(X ≤ x) for χ² with `degrees` degrees of freedom. */
export function chiSquareCdf(x: number, degrees: number): number {
  return gammaP(degrees / 2, x / 2);
}

/** P(X > x) for χ² with `degrees` degrees of freedom. */
export function chiSquareTail(x: number, degrees: number): number {
  return gammaQ(degrees / 2, x / 2);
}

/** The x with P(X ≤ x) = p for χ² with `degrees` degrees of freedom, for 0 ≤ p < 1. */
export function chiSquareQuantile(p: number, degrees: number): number {
  if (p <= 0) return 0;
  let high = degrees + 10;
  while (chiSquareTail(high, degrees) > 1 - p) high *= 2;
  return bisect((x) => -chiSquareTail(x, degrees), p - 1, 0, high);
}

/** Where a rising function reaches a value, to the last bit. */
function bisect(f: (x: number) => number, value: number, from: number, to: number): number {
  let low = from;
  let high = to;
  for (let i = 0; i < 200; i++) {
    const middle = (low + high) / 2;
    if (middle === low || middle === high) break;
    if (f(middle) < value) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

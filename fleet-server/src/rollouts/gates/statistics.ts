import { chiSquareTail } from '@flotilla/model';

/**
 * P(Z > z) of a standard normal: half the tail of χ² with one degree of freedom, which keeps its
 * digits far out, where 1 − Φ has lost them all.
 */
export const normalTail = (z: number): number =>
  z < 0 ? 1 - normalTail(-z) : chiSquareTail(z * z, 1) / 2;

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

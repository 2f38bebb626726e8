import type { Spread } from '../../fleet-server/src/rollouts/gates/types.ts';
import { seededRandom } from '../support/random.ts';

/** Random numbers that follow from a seed, in the shapes that a simulated device needs. */
export interface Draws {
  uniform(): number;
  normal(mean?: number, deviation?: number): number;
  /** Successes of `n` trials. */
  binomial(n: number, p: number): number;
  /** Counts of `n` draws by the share of each class. */
  multinomial(n: number, shares: readonly number[]): number[];
  /** Sum of `n` normal values, by the exact distribution of its sufficient statistics. */
  spread(n: number, mean: number, deviation: number): Spread;
}

export function createDraws(seed: number): Draws {
  const uniform = seededRandom(seed);
  let spare: number | undefined;

  /** Marsaglia and Bray 1964. */
  function standard(): number {
    if (spare !== undefined) {
      const kept = spare;
      spare = undefined;
      return kept;
    }
    for (;;) {
      const [u, v] = [2 * uniform() - 1, 2 * uniform() - 1];
      const square = u * u + v * v;
      if (square >= 1 || square === 0) continue;
      const scale = Math.sqrt((-2 * Math.log(square)) / square);
      spare = v * scale;
      return u * scale;
    }
  }
  const normal = (mean = 0, deviation = 1): number => mean + deviation * standard();

  /** χ² with whole degrees of freedom: twice a gamma variable (Marsaglia and Tsang 2000). */
  function chiSquare(degrees: number): number {
    if (degrees < 2) return degrees === 1 ? standard() ** 2 : 0;
    const d = degrees / 2 - 1 / 3;
    for (;;) {
      const x = standard();
      const v = (1 + x / Math.sqrt(9 * d)) ** 3;
      if (v > 0 && Math.log(1 - uniform()) < x * x * 0.5 + d - d * v + d * Math.log(v)) {
        return 2 * d * v;
      }
    }
  }

  /** Gaps between successes are geometric (Devroye 1986), so few successes cost little. */
  function rare(n: number, p: number): number {
    if (p <= 0) return 0;
    const gap = () => Math.floor(Math.log(1 - uniform()) / Math.log1p(-p));
    let hits = 0;
    for (let at = gap(); at < n; at += 1 + gap()) hits++;
    return hits;
  }

  /** Exact but for counts whose standard deviation is above ten, where it is normal to the eye. */
  function binomial(n: number, p: number): number {
    if (n === 0 || p >= 1) return n;
    if (p > 0.5) return n - binomial(n, 1 - p);
    const variance = n * p * (1 - p);
    if (variance <= 100) return rare(n, p);
    return Math.min(n, Math.max(0, Math.round(normal(n * p, Math.sqrt(variance)))));
  }

  function multinomial(n: number, shares: readonly number[]): number[] {
    let [left, rest] = [n, 1];
    return shares.map((share) => {
      const count = binomial(left, rest <= share ? 1 : share / rest);
      left -= count;
      rest -= share;
      return count;
    });
  }

  function spread(count: number, mean: number, deviation: number): Spread {
    if (count === 0) return { count, mean: 0, m2: 0 };
    return {
      count,
      mean: normal(mean, deviation / Math.sqrt(count)),
      m2: deviation ** 2 * chiSquare(count - 1),
    };
  }

  return { uniform, normal, binomial, multinomial, spread };
}

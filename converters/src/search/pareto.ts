import type { Precision } from '@flotilla/protocol';
import { netLossOf, speedOf, type Trial } from './trial.ts';

/** Medians of equally fast models differ by this much from one measurement to the next. */
export const NOISE = 0.03;

/** Files whose sizes differ by less are of one size: a bias more or less is no reason. */
const SIZE_STEP = 1.02;

/** The trials that no other beats in accuracy, latency or size without losing in another. */
export function paretoFront(trials: readonly Trial[]): Trial[] {
  return trials.filter((trial) => !trials.some((other) => dominates(other, trial)));
}

/** Negative where the first is better, 0 where neither is. */
type Order = (a: Trial, b: Trial) => number;

/**
 * Divergences below this are those of a few samples that are hard by chance: on others they come out
 * in another order, while the noise of the scores, which every sample tells of, does not.
 */
const CHANCE = 1e-3;
/** What is less than this, in nats as a share or in dB, is no difference. */
const GAIN = { share: 0.97, db: 0.2 };

const floored = ({ divergence }: Trial): number => Math.max(divergence, CHANCE);
/** By the figure that the report shows; the noise of the scores where probabilities are saturated. */
const byAccuracy: Order = (a, b) => a.divergence - b.divergence || b.db - a.db;

/** True where the outputs of the first are nearer to fp32's by more than nothing and chance: a search goes on from there. */
export function isNearer(a: Trial, b: Trial): boolean {
  if (floored(a) !== floored(b)) {
    const gains = floored(a) < floored(b) * GAIN.share;
    return gains && isLess(a.bySample.divergence, b.bySample.divergence);
  }
  return a.db > b.db + GAIN.db && isLess(a.bySample.noise, b.bySample.noise);
}

/** True where the difference of pairs is larger than its standard error: in doubt nothing is gained. */
function isLess(a: readonly number[], b: readonly number[]): boolean {
  const gains = a.map((value, i) => (b[i] ?? value) - value);
  const count = gains.length;
  if (count < 2) return false;
  const mean = gains.reduce((sum, gain) => sum + gain, 0) / count;
  // Outputs that are not finite are as far away as can be.
  if (!Number.isFinite(mean)) return mean > 0;
  const squares = gains.reduce((sum, gain) => sum + (gain - mean) ** 2, 0);
  return mean > Math.sqrt(squares / (count - 1) / count);
}

/** True where the times of two trials differ by noise only. */
export function isAsFast(a: Trial, b: Trial): boolean {
  const [one, other] = [speedOf(a), speedOf(b)];
  return Math.max(one, other) <= Math.min(one, other) * (1 + NOISE);
}

/** True where the first is no worse in net loss, divergence, latency within noise, and size. */
export function isAsGood(a: Trial, b: Trial): boolean {
  return (
    netLossOf(a) <= netLossOf(b) &&
    a.divergence <= b.divergence &&
    speedOf(a) <= speedOf(b) * (1 + NOISE) &&
    bySize(a, b) <= 0
  );
}

const bySpeed: Order = (a, b) => speedOf(a) - speedOf(b);
const bySize: Order = (a, b) => sizeStep(a) - sizeStep(b);
const ORDERS = [byAccuracy, bySpeed, bySize];

function sizeStep({ bytes }: Trial): number {
  return Math.round(Math.log(Math.max(1, bytes)) / Math.log(SIZE_STEP));
}

function dominates(a: Trial, b: Trial): boolean {
  return ORDERS.every((order) => order(a, b) <= 0) && ORDERS.some((order) => order(a, b) < 0);
}

/**
 * The trials that may be handed over, first the one that is: those within the budget, the fastest
 * first; of those equally fast within noise the most accurate, then the smallest, then what the
 * target prefers, then what was tried first.
 *
 * @param order the target's precisions
 */
export function rankTrials(trials: readonly Trial[], order: readonly Precision[]): Trial[] {
  const left = paretoFront(trials.filter(({ withinBudget }) => withinBudget));
  const ranked: Trial[] = [];
  while (left.length > 0) {
    const fastest = Math.min(...left.map(speedOf));
    const equal = left.filter((trial) => speedOf(trial) <= fastest * (1 + NOISE));
    const [best] = equal.toSorted(
      (a, b) =>
        byAccuracy(a, b) ||
        a.bytes - b.bytes ||
        order.indexOf(a.scheme.precision) - order.indexOf(b.scheme.precision),
    );
    if (best === undefined) break;
    ranked.push(best);
    left.splice(left.indexOf(best), 1);
  }
  return ranked;
}

/**
 * The trials, nearest to fp32 first; of equals the faster in steps of the noise, then the smallest,
 * then the one tried first.
 */
export function rankByAccuracy<T extends Trial>(trials: readonly T[]): T[] {
  const step = (trial: Trial): number => Math.round(Math.log(speedOf(trial)) / Math.log1p(NOISE));
  return trials.toSorted((a, b) => byAccuracy(a, b) || step(a) - step(b) || a.bytes - b.bytes);
}

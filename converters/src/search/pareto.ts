import type { Precision } from '@flotilla/protocol';
import { speedOf, type Trial } from './trial.ts';

/** Medians of equally fast models differ by this much from one measurement to the next. */
export const NOISE = 0.03;

/** Files whose sizes differ by less are of one size: a bias more or less is no reason. */
const SIZE_STEP = 1.02;

/** The trials that no other beats in accuracy, latency or size without losing in another. */
export function paretoFront(trials: readonly Trial[]): Trial[] {
  const points = trials.map((trial) => ({ trial, figures: figuresOf(trial) }));
  return points
    .filter(({ figures }) => !points.some((other) => dominates(other.figures, figures)))
    .map(({ trial }) => trial);
}

/** Smaller is better in each. */
function figuresOf(trial: Trial): readonly number[] {
  const size = Math.round(Math.log(Math.max(1, trial.bytes)) / Math.log(SIZE_STEP));
  return [trial.divergence, speedOf(trial), size];
}

function dominates(a: readonly number[], b: readonly number[]): boolean {
  return a.every((value, i) => value <= b[i]!) && a.some((value, i) => value < b[i]!);
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
        a.divergence - b.divergence ||
        a.bytes - b.bytes ||
        order.indexOf(a.scheme.precision) - order.indexOf(b.scheme.precision),
    );
    if (best === undefined) break;
    ranked.push(best);
    left.splice(left.indexOf(best), 1);
  }
  return ranked;
}

/** The trial least far from fp32; of equals the first. */
export function mostAccurate(trials: readonly Trial[]): Trial | undefined {
  return trials.reduce<Trial | undefined>(
    (best, trial) => (best === undefined || trial.divergence < best.divergence ? trial : best),
    undefined,
  );
}

/**
 * Tests that may be looked at at any time. An e-value is what a bet against "the change is within
 * the tolerated limit" has grown to from 1; without such a change it ever reaches 1/α with
 * probability α at most (Ville's inequality), however often it is looked at. Each is computed from
 * sums alone, so it does not matter who looked before. Ramdas, Grünwald, Vovk, Shafer,
 * "Game-theoretic statistics and safe anytime-valid inference", 2023.
 *
 * All are natural logarithms; −∞ where the data lie on the tolerated side.
 */

/** Alternatives that a share is tested against: from the tolerated one to 1 in equal ratios. */
const ALTERNATIVES = 8;

/**
 * That more than the share `tolerated` of devices are bad: the mixture over alternatives of the
 * binomial likelihood ratio (Robbins 1970; Wald 1945 for one alternative). Under any smaller share
 * each step's factor has an expectation of at most 1. Devices that have not answered count as good,
 * which can only lower the value, so the order of the answers does not matter.
 */
export function shareEvidence(bad: number, asked: number, tolerated: number): number {
  if (tolerated >= 1 || bad === 0) return Number.NEGATIVE_INFINITY;
  const p0 = Math.max(tolerated, 1e-6);
  const logs = Array.from({ length: ALTERNATIVES }, (_, i) => {
    const p = p0 ** (1 - (i + 1) / ALTERNATIVES);
    const good = asked - bad;
    return bad * Math.log(p / p0) + (good === 0 ? 0 : good * Math.log((1 - p) / (1 - p0)));
  });
  return logMean(logs);
}

/** Differences of the same kind, one for each device. */
export interface Differences {
  readonly count: number;
  readonly mean: number;
  /** Sample variance between the devices; 0 where there is but one. */
  readonly variance: number;
  /** What of it the number of inferences explains: mean of the devices' sampling variances. */
  readonly sampling: number;
}

/** What is known of a kind of difference beforehand, in its unit. */
export interface Prior {
  /** Standard deviation, between devices, of what an equally good version changes: no larger. */
  readonly spread: number;
  /** Changes that matter are about as large as this. */
  readonly scale: number;
  /** Standard deviations below this are not believed: near-equal devices prove no more than that. */
  readonly floor: number;
}

/**
 * That the mean change over all devices exceeds `tolerated`. Devices are the sampling units: what a
 * version changes differs from device to device, and inferences of one device do not speak for
 * another. The mean of two e-values, which is one again:
 *
 * - with few devices, whose spread nobody can estimate, it is taken to be `prior.spread`
 * - with more of them the spread is their own
 */
export function meanEvidence(differences: Differences, tolerated: number, prior: Prior): number {
  const excess = differences.mean - tolerated;
  if (differences.count === 0 || excess <= 0) return Number.NEGATIVE_INFINITY;
  return logMean([
    knownSpread(differences, excess, prior),
    ownSpread(differences, excess, prior.floor),
  ]);
}

/**
 * Normal mixture over the size of the change, N(0, scale²), in the clock of information (Robbins
 * 1970; Howard, Ramdas, McAuliffe, Sekhon 2021; as mSPRT in Johari, Koomen, Pekelis, Walsh 2022).
 * Twice the two-sided value, since only one side counts.
 */
function knownSpread(differences: Differences, excess: number, { spread, scale }: Prior): number {
  const { count, variance, sampling } = differences;
  const seen = count < FEW ? 0 : variance;
  const information = count / Math.max(spread ** 2 + sampling, seen);
  const prior = scale ** 2 * information;
  const square = information * excess ** 2;
  return Math.LN2 - Math.log1p(prior) / 2 + (square / 2) * (prior / (1 + prior));
}

/** Below, the variance between devices is too uncertain to say more than what is assumed. */
const FEW = 4;

/** Prior variance of the change over the variance between devices. */
const G = 4;

/**
 * The same with the devices' own spread: a mixture over the standardized change, N(0, G), with the
 * right Haar prior on the spread, which makes it an e-value for any spread (Lai 1976; Pérez-Ortiz,
 * Lardy, de Heide, Grünwald 2022; Wang and Ramdas 2024, "Anytime-valid t-tests").
 */
function ownSpread({ count, variance }: Differences, excess: number, floor: number): number {
  const degrees = count - 1;
  if (degrees === 0) return 0;
  const tSquare = (count * excess ** 2) / Math.max(variance, floor ** 2);
  const grown = 1 + count * G;
  const ratio = Math.log1p(tSquare / degrees) - Math.log1p(tSquare / (degrees * grown));
  return Math.LN2 - Math.log(grown) / 2 + ((degrees + 1) / 2) * ratio;
}

/** Logarithm of the mean of numbers that are given as logarithms. */
export function logMean(logs: readonly number[]): number {
  const top = Math.max(...logs);
  if (top === Number.NEGATIVE_INFINITY) return top;
  const sum = logs.reduce((total, log) => total + Math.exp(log - top), 0);
  return top + Math.log(sum / logs.length);
}

/** Mean and variance of the devices' differences. */
export function summarize(
  devices: readonly { readonly change: number; readonly sampling: number }[],
): Differences {
  const count = devices.length;
  if (count === 0) return { count, mean: 0, variance: 0, sampling: 0 };
  const mean = devices.reduce((sum, { change }) => sum + change, 0) / count;
  const squares = devices.reduce((sum, { change }) => sum + (change - mean) ** 2, 0);
  const sampling = devices.reduce((sum, one) => sum + one.sampling, 0) / count;
  return { count, mean, variance: count > 1 ? squares / (count - 1) : 0, sampling };
}

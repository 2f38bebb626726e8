import type { Moments, Norm } from './batchnorms.ts';

/** Channels that are compared, at most: more would tell the same. */
const MOST_CHANNELS = 4096;
/** A channel's deviation counts as at least this share of the mean deviation of its norm. */
const LEAST_DEVIATION = 1e-2;

/**
 * A set of inputs whose moments, taken together, are held against those that training saw: the
 * objective of ZeroQ (Cai et al. 2020), with layers weighted alike.
 */
export interface Matching {
  /** Mean over layers and channels of the squared differences of mean and deviation, in deviations. */
  readonly distance: number;
  /**
   * Puts a candidate in the place of the member that it improves the set most for.
   *
   * @param places members that may be replaced
   * @returns the member's place, or undefined where the set stays as it is
   */
  improve(candidate: Moments, places: readonly number[]): number | undefined;
}

export function openMatching(norms: readonly Norm[], members: readonly Moments[]): Matching {
  const { index, mean, deviation, weight } = channelsOf(norms);
  const pick = (values: Float32Array) => Float64Array.from(index, (channel) => values[channel]!);
  const rows = members.map(({ means, squares }) => ({ m: pick(means), s: pick(squares) }));
  const totals = { m: new Float64Array(index.length), s: new Float64Array(index.length) };
  for (const { m, s } of rows) {
    for (let c = 0; c < index.length; c++) {
      totals.m[c]! += m[c]!;
      totals.s[c]! += s[c]!;
    }
  }
  /** The distance with one row taken out and another put in. */
  const distanceWith = (
    out: { m: Float64Array; s: Float64Array },
    own: { m: Float64Array; s: Float64Array },
    enough: number,
  ): number => {
    let sum = 0;
    for (let c = 0; c < index.length && sum < enough; c++) {
      const m = (totals.m[c]! - out.m[c]! + own.m[c]!) / rows.length;
      const s = (totals.s[c]! - out.s[c]! + own.s[c]!) / rows.length;
      const shift = (m - mean[c]!) / deviation[c]!;
      const spread = Math.sqrt(Math.max(s - m * m, 0)) / deviation[c]! - 1;
      sum += weight[c]! * (shift * shift + spread * spread);
    }
    return sum;
  };
  const none = { m: new Float64Array(index.length), s: new Float64Array(index.length) };
  let distance = distanceWith(none, none, Number.POSITIVE_INFINITY);
  return {
    get distance() {
      return distance;
    },
    improve({ means, squares }, places) {
      const own = { m: pick(means), s: pick(squares) };
      let best: number | undefined;
      for (const place of places) {
        const next = distanceWith(rows[place]!, own, distance);
        if (next < distance) {
          distance = next;
          best = place;
        }
      }
      if (best === undefined) return undefined;
      const old = rows[best]!;
      for (let c = 0; c < index.length; c++) {
        totals.m[c]! += own.m[c]! - old.m[c]!;
        totals.s[c]! += own.s[c]! - old.s[c]!;
      }
      rows[best] = own;
      return best;
    },
  };
}

/** The channels that are compared, evenly drawn from all, with what training saw of them. */
function channelsOf(norms: readonly Norm[]) {
  const all = norms.flatMap(({ mean, deviation }) => {
    const typical = deviation.reduce((sum, value) => sum + value, 0) / deviation.length;
    return Array.from(mean, (value, channel) => ({
      mean: value,
      deviation: Math.max(deviation[channel]!, typical * LEAST_DEVIATION, Number.MIN_VALUE),
      weight: 1 / mean.length / norms.length,
    }));
  });
  const step = Math.max(1, all.length / MOST_CHANNELS);
  const index = Uint32Array.from({ length: Math.floor(all.length / step) }, (_, i) => i * step);
  const chosen = Array.from(index, (channel) => all[channel]!);
  const weights = chosen.reduce((sum, { weight }) => sum + weight, 0);
  return {
    index,
    mean: Float64Array.from(chosen, (channel) => channel.mean),
    deviation: Float64Array.from(chosen, (channel) => channel.deviation),
    weight: Float64Array.from(chosen, (channel) => channel.weight / weights),
  };
}

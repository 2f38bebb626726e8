/** Bins on either side of 0, without the one around it. */
const SIDE = 8191;

/**
 * Histogram of values of unknown range in constant memory, as plain data. Bins are equally wide and
 * symmetric around 0; the one in the middle holds (−width, width). When a value falls outside, the
 * limit doubles and bins merge. Limits are powers of two and counts whole numbers, so that nothing
 * is ever rounded: the sum of histograms is the histogram of all values, in whatever order.
 */
export interface Histogram {
  /** Magnitudes are below it; 0 while only zeros were added. */
  limit: number;
  counts: Float64Array<ArrayBuffer>;
}

export function createHistogram(): Histogram {
  return { limit: 0, counts: new Float64Array(2 * SIDE + 1) };
}

/** Width of every bin but the middle one, which is twice as wide. */
export function binWidth({ limit }: Histogram): number {
  return limit / (SIDE + 1);
}

/**
 * @param magnitude finite, at least that of every value
 * @returns false where a value exceeds the magnitude or is NaN; the histogram is then of no use
 */
export function addValues(histogram: Histogram, values: Float32Array, magnitude: number): boolean {
  if (magnitude > 0) raiseLimit(histogram, limitAbove(magnitude));
  const { limit, counts } = histogram;
  if (limit === 0) {
    counts[SIDE]! += values.length;
    return values.every((value) => value === 0);
  }
  const perUnit = (SIDE + 1) / limit;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (!(value > -limit && value < limit)) return false;
    counts[SIDE + ((value * perUnit) | 0)]!++;
  }
  return true;
}

/** The histogram of all that was added to any of them. */
export function sumOf(histograms: readonly Histogram[]): Histogram {
  const sum = createHistogram();
  sum.limit = Math.max(0, ...histograms.map(({ limit }) => limit));
  for (const histogram of histograms) {
    const { counts } = atLimit(histogram, sum.limit);
    for (let i = 0; i < counts.length; i++) sum.counts[i]! += counts[i]!;
  }
  return sum;
}

/** The histogram of the values cut off at `low` ≤ 0 and `high` ≥ 0, as Relu and most Clips do. */
export function clipped({ limit, counts }: Histogram, low: number, high: number): Histogram {
  const perUnit = limit === 0 ? 0 : (SIDE + 1) / limit;
  const first = low > -limit ? SIDE + Math.trunc(low * perUnit) : 0;
  const last = high < limit ? SIDE + Math.trunc(high * perUnit) : counts.length - 1;
  const result = new Float64Array(counts.length);
  for (let i = 0; i < counts.length; i++) {
    result[Math.min(Math.max(i, first), last)]! += counts[i]!;
  }
  return { limit, counts: result };
}

/** The lowest edge of bins beyond which lies at most the share 1 − `coverage` of the magnitudes. */
export function limitOf(histogram: Histogram, coverage: number): number {
  const { counts } = histogram;
  const total = counts.reduce((sum, count) => sum + count, 0);
  let beyond = 0;
  for (let step = SIDE; step > 0; step--) {
    beyond += counts[SIDE - step]! + counts[SIDE + step]!;
    if (beyond > total * (1 - coverage)) return (step + 1) * binWidth(histogram);
  }
  return binWidth(histogram);
}

/** The smallest power of two above a positive number. */
function limitAbove(magnitude: number): number {
  const limit = 2 ** Math.floor(Math.log2(magnitude));
  // The logarithm may be rounded up to the next whole number, or down to the one before.
  if (limit > magnitude) return limit;
  return limit * 2 > magnitude ? limit * 2 : limit * 4;
}

function raiseLimit(histogram: Histogram, limit: number): void {
  if (limit > histogram.limit) Object.assign(histogram, atLimit(histogram, limit));
}

/** The same values in the wider bins of a higher limit; both limits are powers of two, or 0. */
function atLimit(histogram: Histogram, limit: number): Histogram {
  if (limit === histogram.limit) return histogram;
  const counts = new Float64Array(histogram.counts.length);
  const ratio = histogram.limit / limit;
  histogram.counts.forEach((count, i) => {
    counts[SIDE + Math.trunc((i - SIDE) * ratio)]! += count;
  });
  return { limit, counts };
}

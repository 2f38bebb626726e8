import { FlotillaError } from '@flotilla/protocol';

/**
 * Counts in bins whose edges were fixed beforehand, so that two merge by adding. Bin i holds
 * edges[i−1] ≤ v < edges[i]; the first and last are open.
 */
export class FixedBins {
  /** Inner edges, rising; there is one bin more. */
  readonly edges: readonly number[];
  #counts: number[];

  /** @throws FlotillaError `sketch.invalid` where the edges do not rise, or the counts do not fit */
  constructor(edges: readonly number[], counts?: readonly number[]) {
    if (!edges.every((edge, i) => Number.isFinite(edge) && (i === 0 || edge > edges[i - 1]!))) {
      throw invalid('its edges do not rise');
    }
    if (counts && counts.length !== edges.length + 1) {
      throw invalid(`it has ${counts.length} counts for ${edges.length + 1} bins`);
    }
    if (counts && !counts.every((n) => Number.isSafeInteger(n) && n >= 0)) {
      throw invalid('its counts are not whole numbers from 0');
    }
    this.edges = edges;
    this.#counts = counts ? [...counts] : new Array<number>(edges.length + 1).fill(0);
  }

  get counts(): readonly number[] {
    return this.#counts;
  }

  get total(): number {
    return this.#counts.reduce((sum, n) => sum + n, 0);
  }

  /** Counts a value; NaN is left out. */
  count(value: number): void {
    if (!Number.isNaN(value)) this.#counts[binOf(this.edges, value)]! += 1;
  }

  /** @throws FlotillaError `sketch.invalid` where it has other edges */
  merge(other: FixedBins): void {
    const same =
      other.edges.length === this.edges.length &&
      other.edges.every((edge, i) => edge === this.edges[i]);
    if (!same) throw invalid('bins with other edges do not merge');
    for (const [i, n] of other.#counts.entries()) this.#counts[i]! += n;
  }
}

/** Number of edges at or below a value, by bisection. */
export function binOf(edges: readonly number[], value: number): number {
  let low = 0;
  let high = edges.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (edges[middle]! <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}

function invalid(reason: string): FlotillaError {
  return new FlotillaError('sketch.invalid', { sketch: 'row of bins', reason });
}

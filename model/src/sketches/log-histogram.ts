import { FlotillaError, type Moments, type LogHistogram as Wire } from '@flotilla/protocol';

/** Values at or below this count as zero, larger than `LARGEST` as `LARGEST`. */
const SMALLEST = 1e-9;
const LARGEST = 1e15;
const FINEST = 0.005;
const COARSEST = 0.5;

/**
 * Quantiles with bounded relative error: bucket i holds values in (γ^(i−1), γ^i] with
 * γ = (1 + α) / (1 − α), so that each is within α of its bucket's middle. Merging adds counts and
 * loses nothing. Masson, Rim, Lee, "DDSketch", VLDB 2019.
 */
export class LogHistogram {
  /** Relative error of a quantile. */
  readonly alpha: number;
  #logGamma: number;
  #offset = 0;
  #counts: number[] = [];
  #zeros = 0;
  #count = 0;

  /** @throws FlotillaError `sketch.invalid` where alpha is not from 0.005 to 0.5 */
  constructor(alpha = 0.02) {
    if (!(alpha >= FINEST && alpha <= COARSEST)) {
      throw invalid(`alpha ${alpha} is not from ${FINEST} to ${COARSEST}`);
    }
    this.alpha = alpha;
    this.#logGamma = Math.log((1 + alpha) / (1 - alpha));
  }

  /** Number of values recorded. */
  get count(): number {
    return this.#count;
  }

  /** Records a value; negative ones count as zero, NaN is left out. */
  record(value: number): void {
    if (Number.isNaN(value)) return;
    this.#count++;
    if (value <= SMALLEST) {
      this.#zeros++;
      return;
    }
    const index = this.#indexOf(Math.min(value, LARGEST));
    this.#make(index);
    this.#counts[index - this.#offset]! += 1;
  }

  /**
   * The value at rank ⌊q · (count − 1)⌋, within a factor of 1 ± alpha.
   *
   * @param q from 0 to 1
   * @returns undefined where nothing was recorded
   */
  quantile(q: number): number | undefined {
    if (this.#count === 0) return undefined;
    const rank = Math.floor(Math.min(1, Math.max(0, q)) * (this.#count - 1));
    let below = this.#zeros;
    if (rank < below) return 0;
    for (const [i, count] of this.#counts.entries()) {
      below += count;
      if (rank < below) return this.#middle(this.#offset + i);
    }
    return this.#middle(this.#offset + this.#counts.length - 1);
  }

  /**
   * Count, mean and sum of squared deviations of a function of the values, each taken at the middle
   * of its bucket.
   */
  moments(of: (value: number) => number): Pick<Moments, 'count' | 'mean' | 'm2'> {
    const values = this.#counts.map((_, i) => of(this.#middle(this.#offset + i)));
    const zero = this.#zeros === 0 ? 0 : of(0);
    const total = this.#counts.reduce((sum, n, i) => sum + n * values[i]!, this.#zeros * zero);
    const mean = this.#count === 0 ? 0 : total / this.#count;
    const m2 = this.#counts.reduce(
      (sum, n, i) => sum + n * (values[i]! - mean) ** 2,
      this.#zeros * (zero - mean) ** 2,
    );
    return { count: this.#count, mean, m2 };
  }

  /**
   * Adds the counts of another sketch to this one.
   *
   * @throws FlotillaError `sketch.invalid` where it has another alpha
   */
  merge(other: LogHistogram): void {
    if (other.alpha !== this.alpha) {
      throw invalid(`sketches of alpha ${this.alpha} and ${other.alpha} do not merge`);
    }
    this.#count += other.#count;
    this.#zeros += other.#zeros;
    for (const [i, count] of other.#counts.entries()) {
      if (count === 0) continue;
      this.#make(other.#offset + i);
      this.#counts[other.#offset + i - this.#offset]! += count;
    }
  }

  toWire(): Wire {
    return {
      alpha: this.alpha,
      offset: this.#offset,
      counts: [...this.#counts],
      zeros: this.#zeros,
    };
  }

  /** @throws FlotillaError `sketch.invalid` */
  static fromWire(wire: Wire): LogHistogram {
    const sketch = new LogHistogram(wire.alpha);
    const { offset, counts, zeros } = wire;
    const lowest = sketch.#indexOf(SMALLEST);
    const highest = sketch.#indexOf(LARGEST);
    if (!Number.isSafeInteger(offset) || counts.length > highest - lowest + 1) {
      throw invalid('it has more buckets than values can fall into');
    }
    if (counts.length > 0 && (offset < lowest || offset + counts.length - 1 > highest)) {
      throw invalid('its buckets lie outside the range of values');
    }
    if (![zeros, ...counts].every((n) => Number.isSafeInteger(n) && n >= 0)) {
      throw invalid('its counts are not whole numbers from 0');
    }
    sketch.#offset = offset;
    sketch.#counts = [...counts];
    sketch.#zeros = zeros;
    sketch.#count = counts.reduce((sum, n) => sum + n, zeros);
    return sketch;
  }

  #indexOf(value: number): number {
    // Adding 0 turns −0, which values just below 1 give, into the 0 that 1 gives.
    return Math.ceil(Math.log(value) / this.#logGamma) + 0;
  }

  /** The value whose relative distance to both ends of the bucket is alpha. */
  #middle(index: number): number {
    return (2 * Math.exp(index * this.#logGamma)) / (Math.exp(this.#logGamma) + 1);
  }

  /** Grows the row of counts so that it holds `index`. */
  #make(index: number): void {
    if (this.#counts.length === 0) this.#offset = index;
    if (index < this.#offset) {
      this.#counts.unshift(...new Array<number>(this.#offset - index).fill(0));
      this.#offset = index;
    }
    while (index >= this.#offset + this.#counts.length) this.#counts.push(0);
  }
}

function invalid(reason: string): FlotillaError {
  return new FlotillaError('sketch.invalid', { sketch: 'log histogram', reason });
}

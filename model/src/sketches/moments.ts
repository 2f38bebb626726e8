import { FlotillaError, type Moments as Wire } from '@flotilla/protocol';

/**
 * Count, mean, variance, minimum and maximum in one pass (Welford 1962); two merge by the formula
 * of Chan, Golub and LeVeque 1979.
 */
export class Moments {
  #count = 0;
  #mean = 0;
  #m2 = 0;
  #min = Number.POSITIVE_INFINITY;
  #max = Number.NEGATIVE_INFINITY;

  get count(): number {
    return this.#count;
  }

  /** 0 where nothing was recorded. */
  get mean(): number {
    return this.#mean;
  }

  /** Of the population; 0 where nothing was recorded. */
  get std(): number {
    return this.#count === 0 ? 0 : Math.sqrt(this.#m2 / this.#count);
  }

  get min(): number | undefined {
    return this.#count === 0 ? undefined : this.#min;
  }

  get max(): number | undefined {
    return this.#count === 0 ? undefined : this.#max;
  }

  /** Records a value; what is not finite is left out. */
  record(value: number): void {
    if (!Number.isFinite(value)) return;
    this.#count++;
    const delta = value - this.#mean;
    this.#mean += delta / this.#count;
    this.#m2 += delta * (value - this.#mean);
    this.#min = Math.min(this.#min, value);
    this.#max = Math.max(this.#max, value);
  }

  merge(other: Moments): void {
    const count = this.#count + other.#count;
    if (count === 0) return;
    const delta = other.#mean - this.#mean;
    const share = other.#count / count;
    this.#m2 += other.#m2 + delta * delta * this.#count * share;
    this.#mean += delta * share;
    this.#count = count;
    this.#min = Math.min(this.#min, other.#min);
    this.#max = Math.max(this.#max, other.#max);
  }

  /** Minimum and maximum are 0 on the wire where nothing was recorded. */
  toWire(): Wire {
    return {
      count: this.#count,
      mean: this.#mean,
      m2: this.#m2,
      min: this.min ?? 0,
      max: this.max ?? 0,
    };
  }

  /** @throws FlotillaError `sketch.invalid` */
  static fromWire(wire: Wire): Moments {
    const { count, mean, m2, min, max } = wire;
    const whole = Number.isSafeInteger(count) && count >= 0;
    if (!whole || ![mean, m2, min, max].every(Number.isFinite) || m2 < 0 || min > max) {
      const reason = 'its numbers are not a count, mean, sum of squares, minimum and maximum';
      throw new FlotillaError('sketch.invalid', { sketch: 'set of moments', reason });
    }
    const moments = new Moments();
    if (count === 0) return moments;
    moments.#count = count;
    moments.#mean = mean;
    moments.#m2 = m2;
    moments.#min = min;
    moments.#max = max;
    return moments;
  }
}

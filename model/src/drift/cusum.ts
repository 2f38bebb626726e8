export interface Cusum {
  /** Takes a standardized value (value − mean) / std; true where either sum is above h. */
  observe(z: number): boolean;
  /** Sums of upward and of downward deviations beyond k. */
  readonly high: number;
  readonly low: number;
  reset(): void;
}

/**
 * Two-sided tabular CUSUM: finds a small lasting shift of the mean quickly. Page 1954; k = 0.5 is
 * best for a shift of one standard deviation, h = 5 gives a false alarm in 465 values on average.
 */
export function createCusum(k = 0.5, h = 5): Cusum {
  let high = 0;
  let low = 0;
  return {
    observe(z) {
      if (!Number.isFinite(z)) return high > h || low > h;
      high = Math.max(0, high + z - k);
      low = Math.max(0, low - z - k);
      return high > h || low > h;
    },
    get high() {
      return high;
    },
    get low() {
      return low;
    },
    reset() {
      high = 0;
      low = 0;
    },
  };
}

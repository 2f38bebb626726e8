/** The value at rank ⌊q · (n − 1)⌋. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(q * (sorted.length - 1))] ?? Number.NaN;
}

/**
 * Growth in a minute of values that are a second apart: the slope of a straight line, by least squares,
 * through the least value of each stretch of so many seconds.
 */
export function slopePerMinute(values: readonly number[], stretch: number): number {
  const length = Math.max(1, Math.round(stretch));
  const count = Math.floor(values.length / length);
  const floors = Array.from({ length: count }, (_, i) =>
    Math.min(...values.slice(i * length, (i + 1) * length)),
  );
  const meanX = (count - 1) / 2;
  const meanY = floors.reduce((sum, y) => sum + y, 0) / count;
  let over = 0;
  let under = 0;
  for (const [x, y] of floors.entries()) {
    over += (x - meanX) * (y - meanY);
    under += (x - meanX) ** 2;
  }
  return (over / under) * (60 / length);
}

/** "1/255", "0.5" or a number, as a number. */
export function toNumber(value: number | string): number {
  if (typeof value === 'number') return value;
  const [numerator = '', denominator = '1'] = value.split('/');
  return Number(numerator) / Number(denominator);
}

/**
 * One number per channel or feature from what a spec says: a scalar stands for all of them.
 *
 * @returns undefined where a list has another length than `count`
 */
export function perChannel(
  value: number | string | readonly (number | string)[] | undefined,
  count: number,
  fallback: number,
): number[] | undefined {
  if (value === undefined) return new Array<number>(count).fill(fallback);
  if (typeof value === 'number' || typeof value === 'string') {
    return new Array<number>(count).fill(toNumber(value));
  }
  if (value.length === 1) return new Array<number>(count).fill(toNumber(value[0]!));
  return value.length === count ? value.map(toNumber) : undefined;
}

/** A number or a pair as a pair. */
export function toPair(value: number | readonly number[]): readonly [number, number] {
  if (typeof value === 'number') return [value, value];
  return [value[0]!, value[1]!];
}

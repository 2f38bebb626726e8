/** Says which key of the document is wrong and why; never returns. */
export type Complain = (where: string, reason: string) => never;

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

/** As `perChannel`, where anything else but finite numbers is a mistake in the document. */
export function spread(
  where: string,
  value: Parameters<typeof perChannel>[0],
  count: number,
  fallback: number,
  complain: Complain,
): number[] {
  const numbers = perChannel(value, count, fallback);
  if (!numbers) return complain(where, `must be one number or ${count} of them`);
  if (!numbers.every(Number.isFinite))
    return complain(where, 'must be finite, without a division by 0');
  return numbers;
}

export function checkStd(where: string, std: readonly number[], complain: Complain): void {
  if (std.includes(0)) complain(where, 'must not be 0: pixels and values are divided by it');
}

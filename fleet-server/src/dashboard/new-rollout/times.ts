const UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
type Unit = keyof typeof UNITS;

/** Milliseconds of `30s`, `10m`, `2h`, `1d`, as the command line reads them; undefined where it is no time. */
export function readTime(text: string): number | undefined {
  const [, amount, unit] = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text.trim()) ?? [];
  return amount === undefined ? undefined : Number(amount) * UNITS[unit as Unit];
}

/** In the largest unit that divides it. */
export function writeTime(ms: number): string {
  const units = Object.entries(UNITS).reverse();
  const [unit, factor] = units.find(([, size]) => ms >= size && ms % size === 0) ?? ['s', 1000];
  return `${ms / factor}${unit}`;
}

import { timeText } from '../../time-text.ts';

const UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
type Unit = keyof typeof UNITS;

/** Milliseconds of `30s`, `10m`, `2h`, `1d`, as the command line reads them; undefined where it is no time. */
export function readTime(text: string): number | undefined {
  const [, amount, unit] = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text.trim()) ?? [];
  return amount === undefined ? undefined : Number(amount) * UNITS[unit as Unit];
}

/** In the largest unit that divides it, as an option takes it. */
export const writeTime = (ms: number): string => (ms === 0 ? '0s' : timeText(ms).replace(' ', ''));

import { FlotillaError } from '@flotilla/protocol';

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/**
 * Reads a time such as `30s`, `10m` or `1h` as milliseconds; seconds where there is no unit.
 *
 * @throws FlotillaError `cli.usage`
 */
export function duration(text: string): number {
  const [, amount, unit = 's'] = /^(\d+)(ms|s|m|h)?$/.exec(text) ?? [];
  const factor = UNITS[unit];
  if (amount !== undefined && factor !== undefined) return Number(amount) * factor;
  throw new FlotillaError('cli.usage', { reason: `${text} is not a time such as 30s, 10m or 1h` });
}

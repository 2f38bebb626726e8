import { FlotillaError } from '@flotilla/protocol';

const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** Milliseconds. @throws FlotillaError `cli.usage` naming the option */
export function readDuration(option: string, text: string): number {
  const [, amount, unit = ''] = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text) ?? [];
  const factor = UNITS[unit];
  if (amount !== undefined && factor !== undefined) return Number(amount) * factor;
  throw new FlotillaError('cli.usage', {
    reason: `${option} takes a time with its unit, such as 30s, 10m or 1h, not ${JSON.stringify(text)}`,
  });
}

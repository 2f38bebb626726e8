import { FlotillaError } from '@flotilla/protocol';

/**
 * A number from 0 as an option takes it.
 *
 * @throws FlotillaError `cli.usage`
 */
export function readNumber(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value) && value >= 0) return value;
  throw new FlotillaError('cli.usage', { reason: `${text} is not a number` });
}

/** @throws FlotillaError `cli.usage` */
export function readCount(text: string): number {
  const value = readNumber(text);
  if (Number.isSafeInteger(value)) return value;
  throw new FlotillaError('cli.usage', { reason: `${text} is not a whole number` });
}

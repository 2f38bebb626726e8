import { FlotillaError } from '@flotilla/protocol';

/**
 * A number from 0 as an option takes it.
 *
 * @throws FlotillaError `cli.usage` naming the option
 */
export function readNumber(option: string, text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value) && value >= 0) return value;
  throw wrong(option, 'a number from 0', text);
}

/** @throws FlotillaError `cli.usage` naming the option */
export function readCount(option: string, text: string): number {
  const value = readNumber(option, text);
  if (Number.isSafeInteger(value)) return value;
  throw wrong(option, 'a whole number', text);
}

/** A count of at least one. @throws FlotillaError `cli.usage` naming the option */
export function readSome(option: string, text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isSafeInteger(value) && value >= 1) return value;
  throw wrong(option, 'a whole number from 1', text);
}

/** Percentage points as a share from 0 to 1. @throws FlotillaError `cli.usage` naming the option */
export function readPoints(option: string, text: string): number {
  const points = readNumber(option, text);
  if (points <= 100) return points / 100;
  throw wrong(option, 'percentage points from 0 to 100', text);
}

function wrong(option: string, takes: string, text: string): FlotillaError {
  const reason = `${option} takes ${takes}, not ${JSON.stringify(text)}`;
  return new FlotillaError('cli.usage', { reason });
}

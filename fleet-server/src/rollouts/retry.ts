import { ERRORS } from '@flotilla/protocol';
import type { RolloutSettings } from './settings.ts';

/** Attempts at bringing a device back before it is left to a person. */
const MAX_BACK_ATTEMPTS = 5;

type Pace = Pick<RolloutSettings, 'maxAttempts' | 'retryMs'>;

/**
 * When a failed attempt is to be made again, 0 for never. A download that broke off may pass at the
 * next attempt; a failed self-test will not.
 */
export function retryMs(
  { maxAttempts, retryMs }: Pace,
  { code, attempt }: { readonly code: string; readonly attempt: number },
  now: number,
): number {
  const mayPass = Object.hasOwn(ERRORS, code) && ERRORS[code as keyof typeof ERRORS].retryable;
  return mayPass && attempt < maxAttempts ? now + backOff(retryMs, attempt) : 0;
}

/** When a failed way back is to be tried again, 0 for never. */
export function retryBackMs({ retryMs }: Pace, attempt: number, now: number): number {
  return attempt < MAX_BACK_ATTEMPTS ? now + backOff(retryMs, attempt) : 0;
}

const backOff = (pauseMs: number, attempt: number): number => pauseMs * 2 ** (attempt - 1);

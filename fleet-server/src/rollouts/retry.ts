import { type ErrorClass, errorClass } from './pace/error-class.ts';
import { hoursOf } from './pace/windows.ts';
import type { RolloutSettings } from './settings.ts';

/** Attempts at bringing a device back before it is left to a person. */
const MAX_BACK_ATTEMPTS = 5;
/** Windows that a device may miss one after the other: one whose clock is wrong misses every one. */
const MAX_MISSED = 100;

type Pace = Pick<RolloutSettings, 'maxAttempts' | 'retryMs' | 'retry' | 'maintenance'>;

export interface Failure {
  readonly code: string;
  /** That failed, from 1. */
  readonly attempt: number;
  /** Failures before it that count. */
  readonly strikes: number;
  readonly timeZone: string;
}

export interface Verdict {
  /** When it is to be tried again; 0 for never. */
  readonly dueMs: number;
  /** Failures that count by now. */
  readonly strikes: number;
}

/**
 * When a failed attempt is to be made again. What the network did is tried for long, what the device
 * did a few times, what the model did never, and a window that was missed does not count.
 */
export function afterFailure(pace: Pace, failure: Failure, now: number): Verdict {
  const { code, attempt, timeZone } = failure;
  const kind = classIn(pace, code);
  const strikes = failure.strikes + (kind === 'device' ? 1 : 0);
  const left = {
    network: attempt < pace.retry.networkAttempts,
    device: strikes < pace.maxAttempts,
    model: false,
    window: attempt < MAX_MISSED,
  }[kind];
  if (!left) return { dueMs: 0, strikes };
  const again = now + pauseMs(pace, kind === 'device' ? strikes : attempt);
  return { dueMs: hoursOf(pace.maintenance, timeZone).openingMs(again) ?? 0, strikes };
}

/** Where there are no windows, the device missed none, whatever it says. */
function classIn({ maintenance }: Pace, code: string): ErrorClass {
  const kind = errorClass(code);
  return kind === 'window' && maintenance.length === 0 ? 'device' : kind;
}

/** When a failed way back is to be tried again, 0 for never: no window holds it up. */
export function retryBackMs(
  pace: Pace,
  { code, attempt }: Pick<Failure, 'code' | 'attempt'>,
  now: number,
): number {
  const most = errorClass(code) === 'network' ? pace.retry.networkAttempts : MAX_BACK_ATTEMPTS;
  return attempt < Math.max(most, MAX_BACK_ATTEMPTS) ? now + pauseMs(pace, attempt) : 0;
}

/** Doubles with each attempt up to its maximum, which is never below the first pause. */
const pauseMs = ({ retryMs, retry }: Pace, attempt: number): number =>
  Math.min(retryMs * 2 ** (attempt - 1), Math.max(retryMs, retry.maxPauseMs));

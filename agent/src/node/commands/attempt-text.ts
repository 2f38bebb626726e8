import type { Draft, Outcome, Result } from '@flotilla/protocol';

const IN_WORDS = {
  RESULT_UNSPECIFIED: () => 'unknown',
  RESULT_IN_PROGRESS: (step) => `in progress at ${step}`,
  RESULT_COMMITTED: () => 'committed',
  RESULT_ROLLED_BACK: (step) => `rolled back at ${step}`,
  RESULT_FAILED: (step) => `failed at ${step}`,
  RESULT_REMOVED: () => 'removed',
} as const satisfies Record<Result, (step: string) => string>;

/** `last attempt: failed at selfTest in slot parts: deployment.too-slow, …`. */
export function attemptText(attempt: Draft<Outcome>): string {
  const { slot, step = '', result = 'RESULT_UNSPECIFIED', code = '', detail = '' } = attempt;
  const why = [code, detail].filter((text) => text !== '').join(', ');
  const what = `last attempt: ${IN_WORDS[result](step)}${slot ? ` in slot ${slot}` : ''}`;
  return why === '' ? what : `${what}: ${why}`;
}

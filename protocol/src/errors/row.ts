/** What a person or a program may learn from an error beside its text. */
export type ErrorContext = Readonly<Record<string, string | number | boolean | undefined>>;

export interface ErrorRow<C extends ErrorContext> {
  /** HTTP status that the API answers with (RFC 9110). */
  readonly status: number;
  /** True when the same call may succeed later without a change by the caller. */
  readonly retryable: boolean;
  /** Exit code of a command: 1 failed, 2 wrong usage. */
  readonly exitCode: 1 | 2;
  /** One line: what is wrong, where, and what to do. */
  readonly message: (context: C) => string;
}

/** The input was at fault: the caller must change it. */
export function refused<C extends ErrorContext>(
  status: number,
  message: (context: C) => string,
): ErrorRow<C> {
  return { status, retryable: false, exitCode: 1, message };
}

/** The command line or configuration was at fault. */
export function usage<C extends ErrorContext>(message: (context: C) => string): ErrorRow<C> {
  return { status: 400, retryable: false, exitCode: 2, message };
}

/** A passing fault: trying again may help. */
export function transient<C extends ErrorContext>(
  status: number,
  message: (context: C) => string,
): ErrorRow<C> {
  return { status, retryable: true, exitCode: 1, message };
}

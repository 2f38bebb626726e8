import { AGENT_ERRORS } from './errors/agent.ts';
import { CLI_ERRORS } from './errors/cli.ts';
import { COMMON_ERRORS } from './errors/common.ts';
import { FLOW_ERRORS } from './errors/flows.ts';
import { MODEL_ERRORS } from './errors/model.ts';
import { ROLLOUT_ERRORS } from './errors/rollouts.ts';
import type { ErrorContext, ErrorRow } from './errors/row.ts';
import { RUNTIME_ERRORS } from './errors/runtime.ts';
import { SERVER_ERRORS } from './errors/server.ts';
import { TRUST_ERRORS } from './errors/trust.ts';
import { UPDATE_ERRORS } from './errors/update.ts';

/** Every code that Flotilla can end with, by area; the whole table is tested row by row. */
export const ERRORS = {
  ...COMMON_ERRORS,
  ...MODEL_ERRORS,
  ...RUNTIME_ERRORS,
  ...TRUST_ERRORS,
  ...AGENT_ERRORS,
  ...FLOW_ERRORS,
  ...UPDATE_ERRORS,
  ...ROLLOUT_ERRORS,
  ...SERVER_ERRORS,
  ...CLI_ERRORS,
} as const;

export type ErrorCode = keyof typeof ERRORS;
export type ContextOf<K extends ErrorCode> = Parameters<(typeof ERRORS)[K]['message']>[0];

/** The one error class: a code from `ERRORS`, its typed context, and the cause where there is one. */
export class FlotillaError<K extends ErrorCode = ErrorCode> extends Error {
  override readonly name = 'FlotillaError';
  readonly code: K;
  readonly context: ContextOf<K>;

  constructor(code: K, context: ContextOf<K>, options?: { cause?: unknown }) {
    super(oneLine(rowOf(code).message(context as ErrorContext)), options);
    this.code = code;
    this.context = context;
  }

  get status(): number {
    return rowOf(this.code).status;
  }

  get retryable(): boolean {
    return rowOf(this.code).retryable;
  }

  get exitCode(): 1 | 2 {
    return rowOf(this.code).exitCode;
  }
}

function rowOf(code: ErrorCode): ErrorRow<ErrorContext> {
  return ERRORS[code] as ErrorRow<ErrorContext>;
}

/** A name or reason from outside may be as long as its sender likes. */
const MAX_MESSAGE = 2000;

/** Without line breaks, and without control characters that a terminal would obey. */
function oneLine(text: string): string {
  const cut = text.length > MAX_MESSAGE ? `${text.slice(0, MAX_MESSAGE)}…` : text;
  const lines = cut.split(/[\r\n\u2028\u2029]+/).map((line) => line.trim());
  return lines
    .filter((line) => line !== '')
    .join(' ')
    .replace(/\p{Cc}/gu, '\ufffd');
}

/** Narrows to a Flotilla error, and to one code when it is given. */
export function isFlotillaError<K extends ErrorCode>(
  error: unknown,
  code?: K,
): error is FlotillaError<K> {
  return error instanceof FlotillaError && (code === undefined || error.code === code);
}

/** Any thrown thing as a Flotilla error; what is not one already becomes `internal.unexpected`. */
export function asFlotillaError(error: unknown): FlotillaError {
  if (error instanceof FlotillaError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new FlotillaError('internal.unexpected', { reason }, { cause: error });
}

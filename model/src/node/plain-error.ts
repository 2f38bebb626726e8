import { asFlotillaError, ERRORS, type ErrorCode, FlotillaError } from '@flotilla/protocol';

/** A FlotillaError as data: an error class does not survive the way between threads or processes. */
export interface PlainError {
  readonly code: string;
  readonly context: Readonly<Record<string, unknown>>;
}

/**
 * By shape, not by class: where a task was bundled apart from what calls it, each has a class
 * FlotillaError of its own.
 */
export function toPlain(error: unknown): PlainError {
  if (error instanceof Error && error.name === 'FlotillaError') {
    const { code, context } = error as Error & { code?: unknown; context?: unknown };
    if (isCode(code) && isRecord(context)) return { code, context };
  }
  const { code, context } = asFlotillaError(error);
  return { code, context };
}

/** The error that was sent; whatever is not one of ours becomes `internal.unexpected`. */
export function fromPlain(plain: unknown): FlotillaError {
  const { code, context } = isRecord(plain) ? plain : {};
  if (isCode(code) && isRecord(context) && Object.values(context).every(isScalar)) {
    return new FlotillaError(code, context as never);
  }
  return asFlotillaError(new Error(`unreadable error ${JSON.stringify(plain)?.slice(0, 200)}`));
}

function isCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(ERRORS, code);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function isScalar(value: unknown): boolean {
  return value === undefined || ['string', 'number', 'boolean'].includes(typeof value);
}

import type { PlainError } from './plain-error.ts';

export interface ToChild {
  /** URL of the module. */
  readonly script: string;
  readonly export: string;
  readonly input: unknown;
}

export type FromChild =
  | { readonly kind: 'progress'; readonly value: unknown }
  | { readonly kind: 'done'; readonly value: unknown }
  | { readonly kind: 'failed'; readonly error: PlainError };

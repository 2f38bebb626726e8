export interface JsonLimits {
  readonly maxBytes: number;
  /** How deep lists and objects may nest; default 16. */
  readonly maxDepth?: number;
  /** Refuse fractions and integers beyond 2^53, which canonical JSON cannot write; default false. */
  readonly integersOnly?: boolean;
}

export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

export type Json = { readonly ok: true; readonly value: JsonValue } | Refusal;
interface Refusal {
  readonly ok: false;
  readonly reason: string;
}

/** Names that reach a prototype when hostile text is copied by assignment. */
const FORBIDDEN_KEYS: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/** Reads JSON from outside: bounded in size and depth, strict UTF-8, no key that names a prototype. */
export function readJson(bytes: Uint8Array, limits: JsonLimits): Json {
  if (bytes.length > limits.maxBytes) {
    return { ok: false, reason: `${bytes.length} bytes, more than ${limits.maxBytes}` };
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    const value = JSON.parse(text) as JsonValue;
    const fault = findFault(value, limits, limits.maxDepth ?? 16);
    return fault === undefined ? { ok: true, value } : { ok: false, reason: fault };
  } catch (error) {
    return { ok: false, reason: `not JSON: ${error instanceof Error ? error.message : error}` };
  }
}

function findFault(value: JsonValue, limits: JsonLimits, depth: number): string | undefined {
  if (typeof value === 'string') return value.isWellFormed() ? undefined : 'text is not Unicode';
  if (typeof value === 'number') {
    return limits.integersOnly && !Number.isSafeInteger(value) ? `number ${value}` : undefined;
  }
  if (value === null || typeof value !== 'object') return undefined;
  if (depth === 0) return 'nested too deep';
  for (const [key, inner] of Object.entries(value)) {
    if (FORBIDDEN_KEYS.has(key)) return `key ${key} is not allowed`;
    const fault = findFault(key, limits, depth) ?? findFault(inner, limits, depth - 1);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

import { canonicalize } from '@tufjs/canonical-json';
import { type JsonValue, readJson } from '../json.ts';

/** Largest metadata file that is read. */
export const MAX_METADATA_BYTES = 4 << 20;
/** Keys and signatures that one role or file may carry. */
export const MAX_KEYS = 32;

type JsonObject = { readonly [key: string]: JsonValue };

export interface Signature {
  readonly keyid: string;
  readonly sig: string;
}

/** A signed file as read, not yet verified: what every role has in common (TUF 1.0 §4.2.1). */
export interface SignedDocument {
  readonly type: string;
  readonly version: number;
  readonly expires: Date;
  readonly signed: JsonObject;
  /** What the signatures cover: the canonical form of `signed`. */
  readonly payload: Uint8Array;
  readonly signatures: readonly Signature[];
}

export type Reading<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly reason: string };

export const refuse = (reason: string) => ({ ok: false, reason }) as const;
export const accept = <T>(value: T) => ({ ok: true, value }) as const;

const EXPIRES = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/;
const SPEC_VERSION = /^1(?:\.\d{1,6}){1,2}$/;

export const isObject = (value: JsonValue | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const isCount = (value: JsonValue | undefined): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 0;

/** Reads a signed file without trusting it. */
export function readDocument(bytes: Uint8Array): Reading<SignedDocument> {
  const json = readJson(bytes, { maxBytes: MAX_METADATA_BYTES, integersOnly: true });
  if (!json.ok) return json;
  if (!isObject(json.value) || !isObject(json.value.signed)) return refuse('nothing is signed');
  const { signed } = json.value;
  const signatures = readSignatures(json.value.signatures);
  if (signatures === undefined) return refuse('signatures are malformed');
  const { _type: type, spec_version: spec, version, expires } = signed;
  if (typeof type !== 'string') return refuse('_type is missing');
  if (typeof spec !== 'string' || !SPEC_VERSION.test(spec)) {
    return refuse('spec_version is not 1.x');
  }
  if (!isCount(version) || version === 0) return refuse('version is not a positive integer');
  if (typeof expires !== 'string' || !EXPIRES.test(expires)) return refuse('expires is malformed');
  const time = new Date(expires);
  if (Number.isNaN(time.getTime())) return refuse('expires is not a date');
  const payload = new TextEncoder().encode(canonicalize(signed));
  return accept({ type, version, expires: time, signed, payload, signatures });
}

function readSignatures(list: JsonValue | undefined): Signature[] | undefined {
  if (!Array.isArray(list) || list.length > MAX_KEYS) return undefined;
  const signatures: Signature[] = [];
  for (const entry of list as readonly JsonValue[]) {
    if (!isObject(entry)) return undefined;
    const { keyid, sig } = entry;
    if (typeof keyid !== 'string' || typeof sig !== 'string') return undefined;
    if (signatures.some((other) => other.keyid === keyid)) return undefined;
    signatures.push({ keyid, sig });
  }
  return signatures;
}

/** Version that a signed file claims, 0 where it claims none. */
export function versionOf(bytes: Uint8Array): number {
  const document = readDocument(bytes);
  return document.ok ? document.value.version : 0;
}

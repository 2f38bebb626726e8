import { toHex } from '../digest.ts';
import type { JsonValue } from '../json.ts';
import {
  accept,
  isCount,
  isObject,
  MAX_KEYS,
  type Reading,
  refuse,
  type SignedDocument,
} from './document.ts';
import { readPublicKey } from './public-key.ts';
import type { Verifier } from './verifier.ts';

/** Roles whose keys root names; `director` signs what each device gets, and the halt. */
export const ROLES = ['root', 'timestamp', 'snapshot', 'targets', 'director'] as const;
export type RoleName = (typeof ROLES)[number];

/** Where root names the director's keys, so that they rotate with it. */
export const DIRECTOR_FIELD = 'x-flotilla-director';

interface Key {
  readonly keytype: string;
  readonly scheme: string;
  readonly public: string;
}

export interface Role {
  readonly keyids: readonly string[];
  readonly threshold: number;
}

/** A root file as read: the keys of every role. */
export interface RootDocument {
  readonly document: SignedDocument;
  readonly keys: ReadonlyMap<string, Key>;
  readonly roles: ReadonlyMap<RoleName, Role>;
}

/** Keys and roles of a root file (TUF 1.0 §4.3); `director` may be missing, the others not. */
export function readRoot(document: SignedDocument): Reading<RootDocument> {
  if (document.type !== 'root') return refuse(`it is of type ${document.type.slice(0, 32)}`);
  const { keys: keyField, roles: roleField } = document.signed;
  if (!isObject(keyField) || !isObject(roleField)) return refuse('keys or roles are missing');
  if (Object.keys(keyField).length > MAX_KEYS) return refuse(`more than ${MAX_KEYS} keys`);
  const keys = new Map<string, Key>();
  for (const [keyid, field] of Object.entries(keyField)) {
    const key = readKey(field);
    if (key === undefined) return refuse(`key ${keyid.slice(0, 16)} is malformed`);
    keys.set(keyid, key);
  }
  const roles = new Map<RoleName, Role>();
  for (const name of ROLES) {
    const field = name === 'director' ? document.signed[DIRECTOR_FIELD] : roleField[name];
    if (field === undefined && name === 'director') continue;
    const role = readRole(field, keys);
    if (role === undefined) return refuse(`role ${name} is malformed`);
    roles.set(name, role);
  }
  return accept({ document, keys, roles });
}

function readKey(field: JsonValue): Key | undefined {
  if (!isObject(field) || !isObject(field.keyval)) return undefined;
  const { keytype, scheme, keyval } = field;
  if (typeof keytype !== 'string' || typeof scheme !== 'string') return undefined;
  return typeof keyval.public === 'string' ? { keytype, scheme, public: keyval.public } : undefined;
}

function readRole(field: JsonValue | undefined, keys: ReadonlyMap<string, Key>): Role | undefined {
  if (!isObject(field) || !Array.isArray(field.keyids)) return undefined;
  const keyids = (field.keyids as readonly JsonValue[]).filter((id) => typeof id === 'string');
  const { threshold } = field;
  const sound =
    keyids.length === field.keyids.length &&
    keyids.length <= MAX_KEYS &&
    new Set(keyids).size === keyids.length &&
    keyids.every((id) => keys.has(id));
  return sound && isCount(threshold) && threshold > 0 ? { keyids, threshold } : undefined;
}

/**
 * Whether enough of a role's keys signed a document. Counts public keys, not key ids or the ways to
 * write a key: one key under two ids, in hex and in PEM, is one vote.
 */
export async function isSignedBy(
  root: RootDocument,
  name: RoleName,
  document: SignedDocument,
  verifier: Verifier,
): Promise<Reading<undefined>> {
  const role = root.roles.get(name);
  if (role === undefined) return refuse(`root names no keys for ${name}`);
  const voters = new Set<string>();
  for (const { keyid, sig } of document.signatures) {
    const key = role.keyids.includes(keyid) ? root.keys.get(keyid) : undefined;
    if (key === undefined) continue;
    const { keytype, scheme } = key;
    if (await verifier.verify(keytype, scheme, key.public, document.payload, sig)) {
      voters.add(voterOf(key));
    }
  }
  if (voters.size >= role.threshold) return accept(undefined);
  return refuse(`${voters.size} of ${role.threshold} needed signatures are valid`);
}

function voterOf(key: Key): string {
  const bytes = readPublicKey(key.public);
  return bytes === undefined ? key.public : toHex(bytes);
}

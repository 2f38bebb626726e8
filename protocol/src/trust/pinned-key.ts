/** Trust in a key that a person named, where no server pinned a root. */
import { canonicalize } from '@tufjs/canonical-json';
import { digestHex, sha256, toHex } from '../digest.ts';
import { readJson } from '../json.ts';
import { isObject, readDocument } from './document.ts';
import { readPublicKey } from './public-key.ts';
import { readRoot } from './roles.ts';
import type { Verifier } from './verifier.ts';

export interface TrustKey {
  /** SHA-256 of the key's canonical form (TUF 1.0 §4.2.2). */
  readonly keyId: string;
  /** 32 bytes of an Ed25519 key in hex. */
  readonly publicKey: string;
}

const MAX_KEY_TEXT = 4096;

/** A public key as `flotilla keys export` prints it, in hex, or in PEM; undefined for other text. */
export async function readTrustKey(text: string): Promise<TrustKey | undefined> {
  const bytes = readPublicKey(fromExport(text) ?? text.trim());
  if (bytes === undefined || text.length > MAX_KEY_TEXT) return undefined;
  const publicKey = toHex(bytes);
  const fields = { keytype: 'ed25519', scheme: 'ed25519', keyval: { public: publicKey } };
  const keyId = digestHex(await sha256(new TextEncoder().encode(canonicalize(fields))));
  return { keyId, publicKey };
}

function fromExport(text: string): string | undefined {
  const json = readJson(new TextEncoder().encode(text), { maxBytes: MAX_KEY_TEXT });
  if (!json.ok || !isObject(json.value)) return undefined;
  const { publicKey } = json.value;
  return typeof publicKey === 'string' ? publicKey : undefined;
}

/**
 * The oldest root of a chain that the key signed as one of its root keys: whoever trusts the key
 * may trust this root, and what follows it by the usual workflow.
 *
 * @param publicKey hex
 * @returns the root's text
 */
export async function anchorRoot(
  chain: readonly Uint8Array[],
  publicKey: string,
  verifier: Verifier,
): Promise<string | undefined> {
  for (const bytes of chain) {
    if (await isRootOf(bytes, publicKey, verifier)) return new TextDecoder().decode(bytes);
  }
  return undefined;
}

async function isRootOf(bytes: Uint8Array, publicKey: string, verifier: Verifier) {
  const document = readDocument(bytes);
  const root = document.ok ? readRoot(document.value) : document;
  if (!root.ok) return false;
  const { document: signed, keys, roles } = root.value;
  const own = (roles.get('root')?.keyids ?? []).filter((id) => {
    const named = readPublicKey(keys.get(id)?.public ?? '');
    return named !== undefined && toHex(named) === publicKey;
  });
  for (const { keyid, sig } of signed.signatures) {
    if (!own.includes(keyid)) continue;
    if (await verifier.verify('ed25519', 'ed25519', publicKey, signed.payload, sig)) return true;
  }
  return false;
}

/** Ids of the keys that a chain of roots says speak for it, for a person who knows them. */
export function rootKeyIds(chain: readonly Uint8Array[]): string[] {
  const document = readDocument(chain.at(-1) ?? new Uint8Array());
  const root = document.ok ? readRoot(document.value) : document;
  return root.ok ? [...(root.value.roles.get('root')?.keyids ?? [])] : [];
}

import { FlotillaError, type TrustKey } from '@flotilla/protocol';
import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import { replaceFile } from '../durable.ts';
import type { Storage } from '../ports.ts';

const FILE = 'trust.json';
const FORMAT = 1;
const MAX_BYTES = 1 << 20;

const Anchor = Type.Object({
  keyId: Type.String({ pattern: '^[0-9a-f]{64}$' }),
  /** 32 bytes of an Ed25519 key in hex. */
  publicKey: Type.String({ pattern: '^[0-9a-f]{64}$' }),
  /** For people. */
  name: Type.String({ maxLength: 63 }),
  addedMs: Type.Number(),
});
const AnchorFile = Type.Object({
  format: Type.Literal(FORMAT),
  keys: Type.Array(Anchor, { maxItems: 256 }),
});

/** A key whose bundles this device takes when a person loads them. */
export type Anchor = Static<typeof Anchor>;

/** @throws FlotillaError `agent.data-corrupt` */
export async function readAnchors(storage: Storage): Promise<readonly Anchor[]> {
  const size = await storage.size(FILE);
  if (size === undefined) return [];
  const bytes = size > MAX_BYTES ? undefined : await storage.read(FILE);
  const value = parse(bytes ?? new Uint8Array());
  if (Value.Check(AnchorFile, value)) return value.keys;
  throw new FlotillaError('agent.data-corrupt', { file: FILE, reason: 'it holds no list of keys' });
}

/** Adds a key, or gives it another name; whoever trusts a key lets it put any model on this device. */
export async function addAnchor(
  storage: Storage,
  { keyId, publicKey }: TrustKey,
  name: string,
  addedMs: number,
): Promise<Anchor> {
  const anchor = { keyId, publicKey, name, addedMs };
  const others = (await readAnchors(storage)).filter((other) => other.keyId !== keyId);
  await write(storage, [...others, anchor]);
  return anchor;
}

/**
 * Removes the key with that id, or with the only id that begins so.
 *
 * @throws FlotillaError `trust.no-such-key`
 */
export async function removeAnchor(storage: Storage, keyId: string): Promise<Anchor> {
  const all = await readAnchors(storage);
  const found = all.filter((anchor) => keyId.length >= 8 && anchor.keyId.startsWith(keyId));
  const [anchor] = found;
  if (anchor === undefined || found.length > 1) {
    throw new FlotillaError('trust.no-such-key', { key: keyId.slice(0, 80) });
  }
  await write(
    storage,
    all.filter((other) => other !== anchor),
  );
  return anchor;
}

async function write(storage: Storage, keys: readonly Anchor[]): Promise<void> {
  const text = JSON.stringify({ format: FORMAT, keys }, undefined, 2);
  await replaceFile(storage, FILE, new TextEncoder().encode(`${text}\n`));
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}

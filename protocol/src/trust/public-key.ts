import { fromHex, toHex } from '../digest.ts';

const PEM = /^-----BEGIN PUBLIC KEY-----([A-Za-z0-9+/=\s]{1,200})-----END PUBLIC KEY-----\s*$/;
/** What stands before the 32 bytes of an Ed25519 key in a SubjectPublicKeyInfo (RFC 8410 §4). */
const SPKI_HEAD = '302a300506032b6570032100';

/** The 32 bytes of an Ed25519 key written in hex or in PEM; undefined for anything else. */
export function readPublicKey(text: string): Uint8Array<ArrayBuffer> | undefined {
  const body = PEM.exec(text)?.[1];
  const hex = body === undefined ? text : withoutHead(toHex(fromBase64(body)));
  const bytes = fromHex(hex);
  return bytes?.length === 32 ? bytes : undefined;
}

const withoutHead = (spki: string): string =>
  spki.startsWith(SPKI_HEAD) ? spki.slice(SPKI_HEAD.length) : '';

function fromBase64(text: string): Uint8Array {
  try {
    return Uint8Array.from(atob(text.replace(/\s/g, '')), (character) => character.charCodeAt(0));
  } catch {
    return new Uint8Array();
  }
}

import { fromHex, unshared } from '../digest.ts';

/** Port for checking one signature. Answers false, and never throws, for what it does not know. */
export interface Verifier {
  /**
   * @param publicKey hex, or PEM (SubjectPublicKeyInfo)
   * @param signature hex
   */
  verify(
    keytype: string,
    scheme: string,
    publicKey: string,
    data: Uint8Array,
    signature: string,
  ): Promise<boolean>;
}

/** Ed25519 (RFC 8032) by WebCrypto: Node and every browser since 2025. */
export const webCryptoVerifier: Verifier = {
  async verify(keytype, scheme, publicKey, data, signature) {
    if (keytype !== 'ed25519' || scheme !== 'ed25519') return false;
    const sig = fromHex(signature);
    const key = readKey(publicKey);
    if (sig?.length !== 64 || key === undefined) return false;
    try {
      const { format, bytes } = key;
      const imported = await crypto.subtle.importKey(format, bytes, 'Ed25519', false, ['verify']);
      return await crypto.subtle.verify('Ed25519', imported, sig, unshared(data));
    } catch {
      return false;
    }
  },
};

const PEM = /^-----BEGIN PUBLIC KEY-----([A-Za-z0-9+/=\s]{1,200})-----END PUBLIC KEY-----\s*$/;

function readKey(text: string) {
  const body = PEM.exec(text)?.[1];
  if (body !== undefined) {
    return { format: 'spki' as const, bytes: fromBase64(body.replace(/\s/g, '')) };
  }
  const bytes = fromHex(text);
  return bytes?.length === 32 ? { format: 'raw' as const, bytes } : undefined;
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    return new Uint8Array();
  }
}

import { fromHex, unshared } from '../digest.ts';
import { readPublicKey } from './public-key.ts';

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
    const bytes = readPublicKey(publicKey);
    if (sig?.length !== 64 || bytes === undefined) return false;
    try {
      const key = await crypto.subtle.importKey('raw', bytes, 'Ed25519', false, ['verify']);
      return await crypto.subtle.verify('Ed25519', key, sig, unshared(data));
    } catch {
      return false;
    }
  },
};

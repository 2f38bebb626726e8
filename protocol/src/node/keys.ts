import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign,
} from 'node:crypto';
import { canonicalize } from '@tufjs/canonical-json';
import { Key, Signature } from '@tufjs/models';
import { toHex } from '../digest.ts';
import { FlotillaError } from '../error.ts';

/** Ed25519 key pair as it is kept on disk. */
export interface KeyPair {
  /** 32 bytes in hex. */
  readonly publicKey: string;
  /** PKCS #8 in PEM. */
  readonly privateKey: string;
}

/** Signs metadata; the private key stays inside. */
export interface Signer {
  /** SHA-256 of the public key's canonical form (TUF 1.0 §4.2.2). */
  readonly keyId: string;
  /** 32 bytes in hex. */
  readonly publicKey: string;
  /** Signature in hex. */
  sign(data: Uint8Array): string;
}

export function generateKeyPair(): KeyPair {
  const { privateKey } = generateKeyPairSync('ed25519');
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' });
  return { publicKey: publicHex(pem.toString()), privateKey: pem.toString() };
}

/** @throws FlotillaError `key.invalid` where the private key is not Ed25519 or not the public one's */
export function createSigner({ publicKey, privateKey }: KeyPair): Signer {
  const actual = publicHex(privateKey);
  if (actual !== publicKey.toLowerCase()) {
    throw new FlotillaError('key.invalid', {
      reason: 'public and private key do not belong together',
    });
  }
  const key = createPrivateKey(privateKey);
  return {
    keyId: createHash('sha256')
      .update(canonicalize(keyFields(actual)))
      .digest('hex'),
    publicKey: actual,
    sign: (data) => sign(null, data, key).toString('hex'),
  };
}

const keyFields = (publicKey: string) => ({
  keytype: 'ed25519',
  scheme: 'ed25519',
  keyval: { public: publicKey },
});

/** A signer's key as root names it. */
export const tufKey = ({ keyId, publicKey }: Signer): Key =>
  Key.fromJSON(keyId, keyFields(publicKey));

export const tufSignature = (signer: Signer, data: Uint8Array): Signature =>
  new Signature({ keyID: signer.keyId, sig: signer.sign(data) });

function publicHex(privateKey: string): string {
  try {
    const key = createPublicKey(createPrivateKey(privateKey));
    if (key.asymmetricKeyType !== 'ed25519') throw new Error(`it is ${key.asymmetricKeyType}`);
    // SubjectPublicKeyInfo of Ed25519 ends with the 32 bytes of the key (RFC 8410 §4).
    return toHex(key.export({ type: 'spki', format: 'der' }).subarray(-32));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new FlotillaError('key.invalid', { reason }, { cause });
  }
}

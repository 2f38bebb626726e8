import { FlotillaError } from '@flotilla/protocol';

/** Public key of a device, as JWK (RFC 8037 §2). */
export interface DeviceKey {
  readonly kty: 'OKP';
  readonly crv: 'Ed25519';
  /** 32 bytes in base64url. */
  readonly x: string;
}

/**
 * The stored form of a device's key: only the fields that matter, so that equal keys are equal
 * texts and a private key that was sent by mistake is never kept.
 *
 * @throws FlotillaError `request.invalid`
 */
export function storedKey(key: DeviceKey): string {
  const { kty, crv, x } = key;
  const bytes = Buffer.from(x, 'base64url');
  if (bytes.length !== 32 || bytes.toString('base64url') !== x) {
    throw new FlotillaError('request.invalid', {
      where: 'publicKey.x',
      reason: 'is not 32 bytes in base64url',
    });
  }
  return JSON.stringify({ kty, crv, x });
}

import { createPrivateKey, generateKeyPairSync, type JsonWebKey, sign } from 'node:crypto';

/** Who a simulated device is; kept in the simulation's folder. */
export interface SimulatedIdentity {
  readonly fleet: string;
  readonly device: string;
  /** Base address of the server's API. */
  readonly api: string;
  readonly mqtt: { readonly url: string; readonly username: string; readonly password?: string };
  /** Private Ed25519 key (RFC 8037). */
  readonly key: JsonWebKey;
}

export function newKey(): JsonWebKey {
  return generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
}

export const publicFields = ({ kty, crv, x }: JsonWebKey) => ({ kty, crv, x });

/** Seconds that a log-in is valid; the server takes 300 at most. */
const LIFETIME_S = 290;

const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A log-in as an agent signs it. */
export function signLogin({ fleet, device, key }: SimulatedIdentity, nowMs: number): string {
  const iat = Math.floor(nowMs / 1000);
  const claims = { iss: device, sub: device, aud: `flotilla/${fleet}`, iat, exp: iat + LIFETIME_S };
  const text = `${encoded({ alg: 'EdDSA', kid: device })}.${encoded(claims)}`;
  const signature = sign(null, Buffer.from(text), createPrivateKey({ key, format: 'jwk' }));
  return `${text}.${signature.toString('base64url')}`;
}

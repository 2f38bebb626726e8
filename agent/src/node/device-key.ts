import { generateKeyPair } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { FlotillaError, isFlotillaError } from '@flotilla/protocol';
import { writeFileDurably } from '@flotilla/protocol/node';
import { exportJWK, importJWK, type JWK, SignJWT } from 'jose';
import type { Credentials, Identity } from '../core/index.ts';

const FILE = 'device-key.json';
/** Seconds that a log-in is valid; the server takes 300 at most. */
const LIFETIME_S = 290;

/** The device's key pair as a private JWK (OKP, Ed25519; RFC 8037). */
export type DeviceKey = JWK & { readonly kty: 'OKP'; readonly x: string };

export const keyPath = (data: string): string => join(data, FILE);

/** The key in the data folder, or a new one, stored readable by its owner only. */
export async function loadOrMakeKey(data: string): Promise<DeviceKey> {
  try {
    return await loadKey(data);
  } catch (error) {
    if (!isFlotillaError(error, 'agent.not-enrolled')) throw error;
  }
  const { privateKey } = await promisify(generateKeyPair)('ed25519');
  const jwk = await exportJWK(privateKey);
  await writeFileDurably(keyPath(data), JSON.stringify(jwk), { mode: 0o600 });
  return checkKey(jwk);
}

/** @throws FlotillaError `agent.not-enrolled`, `agent.data-corrupt` */
export async function loadKey(data: string): Promise<DeviceKey> {
  let text: string;
  try {
    text = await readFile(keyPath(data), 'utf8');
  } catch (cause) {
    throw new FlotillaError('agent.not-enrolled', { data }, { cause });
  }
  try {
    return checkKey(JSON.parse(text) as JWK);
  } catch (cause) {
    const reason = 'it holds no Ed25519 key';
    throw new FlotillaError('agent.data-corrupt', { file: FILE, reason }, { cause });
  }
}

function checkKey(jwk: JWK): DeviceKey {
  const { kty, crv, x, d } = jwk;
  if (kty !== 'OKP' || crv !== 'Ed25519' || x === undefined || d === undefined) {
    throw new TypeError('not an Ed25519 key');
  }
  return { ...jwk, kty: 'OKP', x };
}

export const publicJwk = ({ x }: DeviceKey) => ({ kty: 'OKP', crv: 'Ed25519', x }) as const;

/** Log-ins for this device: `iss`, `sub` the device, `aud` its fleet. */
export async function createCredentials(
  key: DeviceKey,
  { fleet, device }: Pick<Identity, 'fleet' | 'device'>,
): Promise<Credentials> {
  const signing = await importJWK(key, 'EdDSA');
  return {
    token(nowMs) {
      const issuedS = Math.floor(nowMs / 1000);
      return new SignJWT()
        .setProtectedHeader({ alg: 'EdDSA', kid: device })
        .setIssuer(device)
        .setSubject(device)
        .setAudience(`flotilla/${fleet}`)
        .setIssuedAt(issuedS)
        .setExpirationTime(issuedS + LIFETIME_S)
        .sign(signing);
    },
  };
}

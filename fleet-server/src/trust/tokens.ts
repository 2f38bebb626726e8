import { createHash, randomBytes } from 'node:crypto';

/** A secret to show once, and what is stored of it. */
export interface MintedToken {
  readonly secret: string;
  readonly hash: string;
}

/** `flt_` for people, `flc_` for claims; 32 bytes of chance, so a plain hash is enough. */
export function mintToken(prefix: 'flt' | 'flc'): MintedToken {
  const secret = `${prefix}_${randomBytes(32).toString('base64url')}`;
  return { secret, hash: hashToken(secret) };
}

export const hashToken = (secret: string): string =>
  createHash('sha256').update(secret).digest('hex');

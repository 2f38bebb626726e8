import { createPublicKey } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createSigner, generateKeyPair } from '../node/keys.ts';
import { webCryptoVerifier } from './verifier.ts';

/** RFC 8032 §7.1, TEST 3. */
const VECTOR = {
  key: 'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
  data: Uint8Array.of(0xaf, 0x82),
  signature:
    '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
};

const verify = (change: Partial<typeof VECTOR> = {}, keytype = 'ed25519', scheme = 'ed25519') => {
  const { key, data, signature } = { ...VECTOR, ...change };
  return webCryptoVerifier.verify(keytype, scheme, key, data, signature);
};

describe('the WebCrypto verifier', () => {
  it('accepts the vector of RFC 8032', async () => {
    expect(await verify()).toBe(true);
  });

  it.each([
    ['other data', { data: Uint8Array.of(0xaf, 0x83) }],
    ['another key', { key: VECTOR.key.replace('fc', 'fd') }],
    ['a key that is too short', { key: VECTOR.key.slice(2) }],
    ['a key that is no hex', { key: 'x'.repeat(64) }],
    ['a PEM with rubbish', { key: '-----BEGIN PUBLIC KEY-----\n===\n-----END PUBLIC KEY-----' }],
    ['a changed signature', { signature: VECTOR.signature.replace('62', '63') }],
    ['a signature cut short', { signature: VECTOR.signature.slice(2) }],
    ['no signature', { signature: '' }],
  ])('answers no to %s', async (_what, change) => {
    expect(await verify(change)).toBe(false);
  });

  it('answers no to other kinds of key', async () => {
    expect(await verify({}, 'rsa', 'rsassa-pss-sha256')).toBe(false);
    expect(await verify({}, 'ed25519', 'other')).toBe(false);
  });

  it('reads keys in PEM', async () => {
    const pair = generateKeyPair();
    const key = createPublicKey(pair.privateKey).export({ type: 'spki', format: 'pem' }).toString();
    const signature = createSigner(pair).sign(VECTOR.data);
    expect(await verify({ key, signature })).toBe(true);
  });
});

describe('a signer', () => {
  it('refuses keys that do not belong together, or are no Ed25519 keys', () => {
    const [one, two] = [generateKeyPair(), generateKeyPair()];
    expect(() => createSigner({ ...one, publicKey: two.publicKey })).toThrow(
      /do not belong together/,
    );
    expect(() => createSigner({ ...one, privateKey: 'rubbish' })).toThrow(
      /^the signing key cannot be used: /,
    );
  });

  it('has the key id that the TUF specification gives it', async () => {
    const pair = generateKeyPair();
    const canonical = `{"keytype":"ed25519","keyval":{"public":"${pair.publicKey}"},"scheme":"ed25519"}`;
    const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(canonical));
    expect(createSigner(pair).keyId).toBe(Buffer.from(hash).toString('hex'));
  });
});

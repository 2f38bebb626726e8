import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSigner, generateKeyPair } from '../node/keys.ts';
import { createRepository, signTargets } from '../node/repository.ts';
import { verifyDirector } from './director.ts';
import { readDocument } from './document.ts';
import { type TufMetadata, trustRoot } from './metadata.ts';
import { readRoot } from './roles.ts';
import { isTargetPath } from './targets.ts';
import { webCryptoVerifier } from './verifier.ts';
import { verifyMetadata } from './verify.ts';

const signer = createSigner(generateKeyPair());
const repository = createRepository(signer, { fleet: 'lyon' });
const trusted = trustRoot(repository.root[0] ?? '');
const bytesOf = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const open = (bytes: Uint8Array) => JSON.parse(new TextDecoder().decode(bytes));

describe('hostile metadata', () => {
  const rubbish = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.json().map((text) => new TextEncoder().encode(text)),
    fc
      .record({ signatures: fc.jsonValue(), signed: fc.jsonValue() })
      .map((value) => bytesOf(value)),
  );
  const names = fc.constantFrom('timestamp', 'snapshot', 'targets', 'root');

  it('is refused with a reason, and nothing is thrown', async () => {
    await fc.assert(
      fc.asyncProperty(names, rubbish, async (name, bytes) => {
        const files: TufMetadata = { ...repository, [name]: name === 'root' ? [bytes] : bytes };
        const verdict = await verifyMetadata(trusted, files, new Date(), webCryptoVerifier);
        expect(verdict).toMatchObject({ ok: false, role: name });
        const device = { fleet: 'lyon', device: 'x' };
        const director = await verifyDirector(
          trusted,
          bytes,
          device,
          new Date(),
          webCryptoVerifier,
        );
        expect(director.ok).toBe(false);
      }),
    );
  });

  it('is refused when what was trusted before is damaged', async () => {
    const damaged = { ...trusted, root: '{}' };
    const verdict = await verifyMetadata(damaged, repository, new Date(), webCryptoVerifier);
    expect(verdict).toMatchObject({ ok: false, role: 'root' });
  });
});

describe('a signed file', () => {
  const { signed, signatures } = open(repository.timestamp);

  it.each([
    ['no object', [], /nothing is signed/],
    ['nothing signed', { signatures }, /nothing is signed/],
    ['signatures that are no list', { signed, signatures: {} }, /signatures are malformed/],
    ['a signature that is no object', { signed, signatures: [1] }, /signatures are malformed/],
    ['33 signatures', { signed, signatures: Array(33).fill(signatures[0]) }, /malformed/],
    ['no type', { signatures, signed: { ...signed, _type: 1 } }, /_type is missing/],
    ['version 0', { signatures, signed: { ...signed, version: 0 } }, /not a positive integer/],
    ['version "1"', { signatures, signed: { ...signed, version: '1' } }, /not a positive integer/],
    ['another specification', { signatures, signed: { ...signed, spec_version: '2.0.0' } }, /1\.x/],
    ['a local time', { signatures, signed: { ...signed, expires: '2026-11-20' } }, /malformed/],
    ['no such day', { signatures, signed: { ...signed, expires: '2026-13-20T00:00:00Z' } }, /date/],
    ['a fraction', { signatures, signed: { ...signed, version: 1.5 } }, /number 1\.5/],
  ])('is refused with %s', (_what, file, reason) => {
    const reading = readDocument(bytesOf(file));
    expect(!reading.ok && reading.reason).toMatch(reason);
  });

  it('is refused when it is too large, before it is read', () => {
    const reading = readDocument(new Uint8Array((4 << 20) + 1));
    expect(!reading.ok && reading.reason).toMatch(/more than 4194304/);
  });
});

describe('a root', () => {
  const root = open(repository.root[0] ?? new Uint8Array());
  const { keys, roles } = root.signed;
  const [[keyid, key] = ['', {}]] = Object.entries(keys);
  const many = Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`${i}`, key]));
  const role = (change: object) => ({ roles: { ...roles, root: { ...roles.root, ...change } } });

  it.each([
    ['another type', { _type: 'targets' }, /of type targets/],
    ['no keys', { keys: [] }, /keys or roles are missing/],
    ['33 keys', { keys: many }, /more than 32 keys/],
    ['a key without a value', { keys: { [keyid]: { ...Object(key), keyval: {} } } }, /malformed/],
    ['a missing role', { roles: { ...roles, snapshot: undefined } }, /role snapshot is malformed/],
    ['threshold 0', role({ threshold: 0 }), /role root is malformed/],
    ['a key id twice', role({ keyids: [keyid, keyid] }), /role root is malformed/],
    ['a key id that no key has', role({ keyids: ['f'.repeat(64)] }), /role root is malformed/],
    ['key ids that are no texts', role({ keyids: [1] }), /role root is malformed/],
    ['a malformed director', { 'x-flotilla-director': {} }, /role director is malformed/],
  ])('is refused with %s', (_what, change, reason) => {
    const document = readDocument(bytesOf({ ...root, signed: { ...root.signed, ...change } }));
    const reading = document.ok ? readRoot(document.value) : document;
    expect(!reading.ok && reading.reason).toMatch(reason);
  });

  it('may name no director, who then signs nothing', async () => {
    const plain = { ...root, signed: { ...root.signed, 'x-flotilla-director': undefined } };
    const state = trustRoot(bytesOf(plain));
    const device = { fleet: 'lyon', device: 'x' };
    const bytes = bytesOf({
      signatures: [],
      signed: { ...open(repository.timestamp).signed, _type: 'director' },
    });
    const verdict = await verifyDirector(state, bytes, device, new Date(), webCryptoVerifier);
    expect(verdict).toEqual({ ok: false, reason: 'root names no keys for director' });
  });
});

describe('one key under two ids', () => {
  const upper = signer.publicKey.toUpperCase();
  const spki = Buffer.from(`302a300506032b6570032100${signer.publicKey}`, 'hex');
  const pem = `-----BEGIN PUBLIC KEY-----\n${spki.toString('base64')}\n-----END PUBLIC KEY-----\n`;

  it.each([
    ['written alike', signer.publicKey],
    ['written in capitals', upper],
    ['written in PEM', pem],
  ])('is one vote, %s', async (_how, written) => {
    const root = open(repository.root[0] ?? new Uint8Array());
    const key = { keytype: 'ed25519', scheme: 'ed25519', keyval: { public: signer.publicKey } };
    const twins = { one: key, two: { ...key, keyval: { public: written } } };
    const timestamp = { keyids: ['one', 'two'], threshold: 2 };
    const signed = {
      ...root.signed,
      keys: { ...root.signed.keys, ...twins },
      roles: { ...root.signed.roles, timestamp },
    };
    const state = trustRoot(bytesOf({ ...root, signed }));
    const file = open(repository.timestamp);
    const [{ sig }] = file.signatures;
    const signatures = ['one', 'two'].map((id) => ({ keyid: id, sig }));
    const files = { ...repository, timestamp: bytesOf({ ...file, signatures }) };
    const verdict = await verifyMetadata(state, files, new Date(), webCryptoVerifier);
    expect(verdict).toMatchObject({
      ok: false,
      role: 'timestamp',
      reason: '1 of 2 needed signatures are valid',
    });
  });
});

describe('target paths', () => {
  it.each(['parts/1/x86-64/int8', 'a', 'a/b.c_d-e'])('%s is one', (path) => {
    expect(isTargetPath(path)).toBe(true);
  });

  it.each(['', '/a', 'a/', 'a//b', '..', 'a/../b', 'a/..b', '.a', 'a\\b', 'a b', 'ä', '__proto__'])(
    '%j is none, and is not signed',
    (path) => {
      expect(isTargetPath(path)).toBe(false);
      const entry = { length: 1, digest: `sha256:${'a'.repeat(64)}` };
      expect(() => signTargets(repository, new Map([[path, entry]]), signer)).toThrow(
        /^signed metadata rejected: targets: /,
      );
    },
  );
});

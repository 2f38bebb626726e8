import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { type BundleContent, makeManifest } from './bundle.ts';
import { readBundleStream } from './bundle-stream.ts';
import { packBundle } from './bundle-tar.ts';
import { type Digest, sha256 } from './digest.ts';
import { createSigner, generateKeyPair } from './node/keys.ts';
import { createRepository } from './node/repository.ts';
import { readTar, writeTar } from './tar.ts';
import { anchorRoot, readTrustKey, rootKeyIds } from './trust/pinned-key.ts';
import { webCryptoVerifier } from './trust/verifier.ts';

const utf8 = (text: string) => new TextEncoder().encode(text);
const joined = (chunks: readonly Uint8Array[]) => new Uint8Array(Buffer.concat(chunks));
const keyPair = generateKeyPair();
const metadata = createRepository(createSigner(keyPair), { fleet: 'local' });

let bundle: BundleContent;
let file: Uint8Array;
beforeAll(async () => {
  bundle = await makeManifest({
    config: {
      formatVersion: 1,
      model: 'parts',
      version: 3,
      target: 'x86-64',
      precision: 'fp32',
      runtime: { name: 'onnxruntime', minOpset: 13, opset: 17 },
      memoryBytes: 0,
      sourceDigest: `sha256:${'0'.repeat(64)}`,
      tools: {},
      epoch: 0,
    },
    model: utf8('model'.repeat(300)),
    spec: utf8('spec'),
    golden: utf8('golden'),
    recipe: utf8('recipe'),
  });
  file = joined(await packBundle({ ...bundle, metadata }));
});

async function* inPieces(bytes: Uint8Array, length: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}

/** Takes a whole bundle and checks the digest of each blob, as a taker must. */
async function takeAll(bytes: Uint8Array, piece = 1000): Promise<Map<Digest, Uint8Array>> {
  const taken = new Map<Digest, Uint8Array>();
  await readBundleStream(inPieces(bytes, piece), 'a.flotilla', {
    head: async ({ blobs, configBytes }) => void taken.set(blobs[0]?.digest ?? '', configBytes),
    async blob({ digest }, content) {
      const whole = joined(await Array.fromAsync(content));
      if ((await sha256(whole)) !== digest) throw new Error('another digest');
      taken.set(digest, whole);
    },
  });
  return taken;
}

describe('a bundle file as a stream', () => {
  test('gives head and blobs, however the bytes come', async () => {
    for (const piece of [1, 7, 512, 100_000]) {
      const taken = await takeAll(file, piece);
      expect([...taken].sort()).toEqual([...bundle.blobs].sort());
    }
  });

  test('is refused wherever it is cut off', async () => {
    const cut = fc.nat(file.length - 1);
    await fc.assert(
      fc.asyncProperty(cut, async (length) => {
        await expect(takeAll(file.subarray(0, length))).rejects.toMatchObject({
          code: 'bundle.invalid',
        });
      }),
      { numRuns: 60 },
    );
  });

  test('is refused wherever a byte changed', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(file.length - 1),
        fc.integer({ min: 1, max: 255 }),
        async (at, by) => {
          const altered = file.slice();
          altered[at] = (altered[at] ?? 0) ^ by;
          await expect(takeAll(altered)).rejects.toThrow();
        },
      ),
      { numRuns: 200 },
    );
  });

  test.each([
    ['lacks index.json', (name: string) => name !== 'index.json'],
    ['signed metadata does not come before', (name: string) => !name.startsWith('tuf/')],
    ['lacks tuf/snapshot.json', (name: string) => name !== 'tuf/snapshot.json'],
  ])('%s', async (reason, keep) => {
    const tar = readTar(file, { maxEntries: 64 });
    const entries = tar.ok ? tar.entries : [];
    const less = joined(writeTar(entries.filter(({ name }) => keep(name))));
    await expect(takeAll(less)).rejects.toThrow(reason);
  });

  test('ends as soon as its head is not wanted', async () => {
    let read = 0;
    async function* counted() {
      for await (const piece of inPieces(file, 512)) {
        read += piece.length;
        yield piece;
      }
    }
    const refuse = () => Promise.reject(new Error('not wanted'));
    const reading = readBundleStream(counted(), 'a', { head: refuse, blob: refuse });
    await expect(reading).rejects.toThrow('not wanted');
    expect(read).toBeLessThan(file.length - 1000);
  });
});

describe('a pinned key', () => {
  const signer = createSigner(keyPair);

  test('is read as it is exported, in hex and in PEM', async () => {
    const { keyId, publicKey } = signer;
    const pem = `-----BEGIN PUBLIC KEY-----\n${Buffer.from(
      `302a300506032b6570032100${publicKey}`,
      'hex',
    ).toString('base64')}\n-----END PUBLIC KEY-----\n`;
    const exported = JSON.stringify({ keyId: 'whatever', keytype: 'ed25519', publicKey });
    for (const text of [exported, publicKey, `${publicKey.toUpperCase()}\n`, pem]) {
      expect(await readTrustKey(text)).toEqual({ keyId, publicKey });
    }
    for (const text of ['', '{}', 'abcd', '[1]', `{"publicKey":"${publicKey.slice(2)}"}`]) {
      expect(await readTrustKey(text)).toBeUndefined();
    }
  });

  test('vouches for the roots that it signed, and for no other', async () => {
    const [root] = metadata.root;
    const other = createSigner(generateKeyPair());
    const trusts = (chain: readonly Uint8Array[], key: string) =>
      anchorRoot(chain, key, webCryptoVerifier);
    expect(await trusts(metadata.root, signer.publicKey)).toBe(new TextDecoder().decode(root));
    expect(await trusts(metadata.root, other.publicKey)).toBeUndefined();
    expect(rootKeyIds(metadata.root)).toEqual([signer.keyId]);
    const altered = new TextDecoder().decode(root).replace('"version":1', '"version":2');
    expect(await trusts([utf8(altered), utf8('{')], signer.publicKey)).toBeUndefined();
    const renamed = new TextDecoder().decode(root).replaceAll(signer.publicKey, other.publicKey);
    expect(await trusts([utf8(renamed)], other.publicKey)).toBeUndefined();
  });
});

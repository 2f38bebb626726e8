import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BundleContent, makeManifest, targetPath } from '../bundle.ts';
import type { BundleFileParts } from '../bundle-tar.ts';
import { isFlotillaError } from '../error.ts';
import { trustRoot } from '../trust/metadata.ts';
import { webCryptoVerifier } from '../trust/verifier.ts';
import { verifyMetadata } from '../trust/verify.ts';
import { readBundleFile, writeBundleFile } from './bundle-file.ts';
import { createSigner, generateKeyPair } from './keys.ts';
import { createRepository, rotateKeys, signTargets } from './repository.ts';

const run = promisify(execFile);
const utf8 = (text: string) => new TextEncoder().encode(text);

const CONFIG = {
  formatVersion: 1 as const,
  model: 'parts',
  version: 3,
  target: 'x86-64',
  precision: 'int8' as const,
  runtime: { name: 'onnxruntime' as const, minOpset: 13, opset: 17 },
  memoryBytes: 20_000_000,
  sourceDigest: `sha256:${'0'.repeat(64)}`,
  tools: { flotilla: '0.1.0' },
  epoch: 0,
};

async function makeBundle(): Promise<BundleFileParts & BundleContent> {
  const bundle = await makeManifest({
    config: CONFIG,
    model: new Uint8Array(3000).fill(42),
    spec: utf8('schema: 1'),
    golden: utf8('golden'),
    recipe: utf8('{}'),
  });
  const [old, signer] = [createSigner(generateKeyPair()), createSigner(generateKeyPair())];
  const repository = rotateKeys(createRepository(old, { fleet: 'local' }), old, signer);
  const entry = { length: bundle.manifestBytes.length, digest: bundle.digest };
  const metadata = signTargets(repository, new Map([[targetPath(CONFIG), entry]]), signer);
  return { ...bundle, metadata };
}

let folder = '';
let parts: BundleFileParts & BundleContent;
let file = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flotilla-bundle-'));
  parts = await makeBundle();
  file = join(folder, 'a.flotilla');
  await writeBundleFile(file, parts);
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

describe('a bundle file', () => {
  it('reads back as it was written, with metadata that verifies', async () => {
    const { manifestBytes, digest, blobs, metadata } = await readBundleFile(file);
    expect(manifestBytes).toEqual(parts.manifestBytes);
    expect(digest).toBe(parts.digest);
    expect(blobs).toEqual(parts.blobs);
    expect(metadata).toEqual(parts.metadata);
    const trusted = trustRoot(metadata.root[0] ?? '');
    const verdict = await verifyMetadata(trusted, metadata, new Date(), webCryptoVerifier);
    expect(verdict.ok && verdict.targets.get(targetPath(CONFIG))?.digest).toBe(digest);
  });

  it('is the same for the same parts, and leaves nothing else behind', async () => {
    const own = await mkdtemp(join(folder, 'own-'));
    await writeBundleFile(join(own, 'b.flotilla'), parts);
    expect(await readFile(join(own, 'b.flotilla'))).toEqual(await readFile(file));
    expect(await readdir(own)).toEqual(['b.flotilla']);
  });

  it('is an OCI image layout to GNU tar', async () => {
    const { stdout } = await run('tar', ['-tf', file]);
    const names = stdout.trim().split('\n');
    expect(names.slice(0, 2)).toEqual(['oci-layout', 'index.json']);
    expect(names.filter((name) => name.startsWith('blobs/sha256/'))).toHaveLength(6);
    expect(names.slice(2, 7)).toEqual([
      'tuf/1.root.json',
      'tuf/root.json',
      'tuf/timestamp.json',
      'tuf/snapshot.json',
      'tuf/targets.json',
    ]);
  });

  it('cannot be written without one of its blobs', async () => {
    const target = join(folder, 'c.flotilla');
    const lacking = { ...parts, blobs: new Map([...parts.blobs].slice(1)) };
    await expect(writeBundleFile(target, lacking)).rejects.toMatchObject({
      code: 'bundle.invalid',
    });
    expect(await readdir(folder)).not.toContain('c.flotilla');
  });
});

async function refusal(bytes: Uint8Array, name: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, bytes);
  try {
    await readBundleFile(path);
    return 'accepted';
  } catch (error) {
    if (!isFlotillaError(error)) throw error;
    return error.message.replaceAll(folder, '');
  }
}

describe('a damaged bundle file', () => {
  it('names the file and the blob of which a byte was changed', async () => {
    const bytes = await readFile(file);
    bytes[bytes.indexOf(Buffer.alloc(100, 42)) + 50] = 43;
    const message = await refusal(bytes, 'model.flotilla');
    expect(message).toMatch(
      /^\/model\.flotilla: blobs\/sha256\/[0-9a-f]{64}: content has digest sha256:[0-9a-f]{64} but sha256:/,
    );
  });

  it('names the metadata file of which a byte was changed', async () => {
    const bytes = await readFile(file);
    bytes[bytes.indexOf('"_type":"timestamp"') + 10] = 0x54;
    expect(await refusal(bytes, 'tuf.flotilla')).toMatch(
      /^\/tuf\.flotilla: tuf\/timestamp\.json: content has digest /,
    );
  });

  it('is refused in one line wherever a byte was changed', async () => {
    const whole = await readFile(file);
    const place = fc.integer({ min: 0, max: whole.length - 1 });
    await fc.assert(
      fc.asyncProperty(place, fc.integer({ min: 1, max: 255 }), async (at, flip) => {
        const bytes = Buffer.from(whole);
        bytes[at] = (bytes[at] ?? 0) ^ flip;
        expect(await refusal(bytes, 'byte.flotilla')).toMatch(/^\/byte\.flotilla[^\n]+$/);
      }),
      { numRuns: 150 },
    );
  });

  it('is refused when it is cut short, empty, or not there', async () => {
    const whole = await readFile(file);
    for (const length of [0, 100, 512, 2000, whole.length - 1024, whole.length - 1]) {
      const message = await refusal(whole.subarray(0, length), 'short.flotilla');
      expect(message).toMatch(/^\/short\.flotilla is not a valid bundle: /);
    }
    await expect(readBundleFile(join(folder, 'none'))).rejects.toThrow(/there is no such file/);
    await expect(readBundleFile(folder)).rejects.toThrow(/it is not a file/);
  });

  it('is refused when it is larger than the caller allows', async () => {
    await expect(readBundleFile(file, { maxBytes: 1000 })).rejects.toThrow(/limit of 1000/);
  });
});

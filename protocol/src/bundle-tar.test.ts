import { beforeAll, describe, expect, it } from 'vitest';
import { type BundleContent, makeManifest } from './bundle.ts';
import { packBundle, unpackBundle } from './bundle-tar.ts';
import { createSigner, generateKeyPair } from './node/keys.ts';
import { createRepository } from './node/repository.ts';
import { readTar, type TarEntry, writeTar } from './tar.ts';
import type { TufMetadata } from './trust/metadata.ts';

const utf8 = (text: string) => new TextEncoder().encode(text);
const joined = (chunks: readonly Uint8Array[]) => new Uint8Array(Buffer.concat(chunks));

let bundle: BundleContent;
let metadata: TufMetadata;
let entries: readonly TarEntry[];
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
    model: utf8('model'),
    spec: utf8('spec'),
    golden: utf8('golden'),
    recipe: utf8('recipe'),
  });
  metadata = createRepository(createSigner(generateKeyPair()), { fleet: 'local' });
  const tar = readTar(joined(await packBundle({ ...bundle, metadata })), { maxEntries: 64 });
  if (!tar.ok) throw new Error(tar.reason);
  entries = tar.entries;
});

async function refusal(list: readonly TarEntry[]): Promise<string> {
  try {
    await unpackBundle(joined(writeTar(list)), 'a.flotilla');
    return 'accepted';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

const without = (part: string) => entries.filter(({ name }) => !name.includes(part));
const changed = (part: string, change: (bytes: Uint8Array) => Uint8Array) =>
  entries.map((entry) =>
    entry.name.includes(part) ? { ...entry, bytes: change(entry.bytes) } : entry,
  );
const nameOf = (content: string) =>
  entries.find(({ bytes }) => new TextDecoder().decode(bytes) === content)?.name ?? '';

describe('a bundle file with a wrong part', () => {
  it('is accepted while nothing is wrong, whatever the order of its blobs', async () => {
    expect(await refusal(entries)).toBe('accepted');
    const spec = nameOf('spec');
    const moved = entries.filter(({ name }) => name === spec);
    expect(await refusal([...without(spec), ...moved])).toBe('accepted');
  });

  it.each([
    ['oci-layout', /it lacks oci-layout/],
    ['index.json', /it lacks index\.json/],
    ['blobs/', /it holds no blobs/],
    ['tuf/root.json', /it lacks tuf\/root\.json/],
    ['tuf/timestamp.json', /it lacks tuf\/timestamp\.json/],
    ['tuf/snapshot.json', /it lacks tuf\/snapshot\.json/],
    ['tuf/targets.json', /it lacks tuf\/targets\.json/],
  ])('is refused without %s', async (part, message) => {
    expect(await refusal(without(part))).toMatch(message);
  });

  it('is refused without one of the blobs that its manifest names', async () => {
    const name = nameOf('spec');
    expect(await refusal(without(name))).toBe(
      `a.flotilla is not a valid bundle: it lacks ${name}; make it again with flotilla optimize`,
    );
  });

  it('is refused with a blob of another size or content', async () => {
    const name = nameOf('model');
    expect(await refusal(changed(name, () => utf8('models')))).toMatch(/has 6 bytes, not 5/);
    expect(await refusal(changed(name, () => utf8('modem')))).toMatch(
      new RegExp(`^a\\.flotilla: ${name}: content has digest`),
    );
  });

  it.each(['further', 'blobs/sha256/further', 'tuf/further.json', 'tuf/0.root.json'])(
    'is refused with %s, which nothing names',
    async (name) => {
      const further = [...entries, { name, bytes: utf8('x') }];
      expect(await refusal(further)).toContain(`it holds ${name}, which nothing names`);
    },
  );

  it('is refused with a root that the index does not know', async () => {
    const further = [...entries, { name: 'tuf/7.root.json', bytes: utf8('{}') }];
    expect(await refusal(further)).toMatch(/its index\.json does not describe its content/);
  });

  it('is refused with another layout version or index', async () => {
    const layout = changed('oci-layout', () => utf8('{"imageLayoutVersion":"2.0.0"}'));
    expect(await refusal(layout)).toMatch(/its oci-layout is not version 1\.0\.0/);
    expect(await refusal(changed('index.json', () => utf8('{}')))).toMatch(/its index\.json/);
  });

  it('cannot be made without a root', async () => {
    const rootless = { ...bundle, metadata: { ...metadata, root: [] } };
    await expect(packBundle(rootless)).rejects.toThrow(/needs 1 to 32 signed roots, not 0/);
  });
});

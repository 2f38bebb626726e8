import { describe, expect, it } from 'vitest';
import {
  type BundleConfig,
  type BundleParts,
  blobsOf,
  bundleFileName,
  isModelMedia,
  MEDIA,
  makeManifest,
  openBundle,
  parseConfig,
  parseManifest,
  TFLITE_SCHEMA,
  targetPath,
} from './bundle.ts';
import { sha256 } from './digest.ts';

const utf8 = (text: string) => new TextEncoder().encode(text);

const CONFIG: BundleConfig = {
  formatVersion: 1,
  model: 'parts',
  version: 3,
  target: 'raspberry-pi-5',
  precision: 'int8',
  runtime: { name: 'onnxruntime', minOpset: 13, opset: 17 },
  memoryBytes: 20_000_000,
  sourceDigest: `sha256:${'0'.repeat(64)}`,
  tools: { flotilla: '0.1.0', onnxruntime: '1.30.0' },
  epoch: 0,
};

const PARTS: BundleParts = {
  config: CONFIG,
  model: utf8('model'),
  spec: utf8('schema: 1'),
  labels: utf8('bolt\nnut'),
  golden: utf8('golden'),
  recipe: utf8('{}'),
};

describe('a bundle', () => {
  it('has the same manifest for the same parts', async () => {
    const one = await makeManifest(PARTS);
    const two = await makeManifest({ ...PARTS, config: { ...CONFIG, tools: { ...CONFIG.tools } } });
    expect(one.manifestBytes).toEqual(two.manifestBytes);
    expect(one.digest).toBe(await sha256(one.manifestBytes));
    const pinned = 'sha256:3749f0bbd4c2107e210fa53b2efc13a3881f371756bbe179aaabc9cc50ac6cbe';
    expect(one.digest).toBe(pinned);
  });

  it('names every part with its size and digest', async () => {
    const { manifestBytes, blobs } = await makeManifest(PARTS);
    const manifest = parseManifest(manifestBytes);
    expect(manifest.layers.map((layer) => layer.mediaType)).toEqual([
      MEDIA.model,
      MEDIA.spec,
      MEDIA.labels,
      MEDIA.golden,
      MEDIA.recipe,
    ]);
    for (const { digest, size } of blobsOf(manifest)) {
      const bytes = blobs.get(digest);
      expect(bytes?.length).toBe(size);
      expect(bytes && (await sha256(bytes))).toBe(digest);
    }
    expect(blobs.size).toBe(6);
  });

  it('opens with its config, and not with another', async () => {
    const { manifestBytes, digest, blobs } = await makeManifest(PARTS);
    const configBytes = blobs.get(parseManifest(manifestBytes).config.digest) ?? new Uint8Array();
    const bundle = await openBundle(manifestBytes, configBytes);
    expect(bundle.config).toEqual(CONFIG);
    expect(bundle.digest).toBe(digest);
    expect(bundle.model).toMatchObject({ size: 5, mediaType: MEDIA.model });
    expect(bundle.blob(MEDIA.profile)).toBeUndefined();
    await expect(openBundle(manifestBytes, utf8('{}'))).rejects.toMatchObject({
      code: 'bundle.digest-mismatch',
    });
  });

  it('holds a model for TFLite under a media type of its own', async () => {
    const runtime = { name: 'tflite', minOpset: TFLITE_SCHEMA, opset: TFLITE_SCHEMA } as const;
    const config = { ...CONFIG, runtime };
    const { manifestBytes, blobs } = await makeManifest({ ...PARTS, config });
    const { config: stored, layers } = parseManifest(manifestBytes);
    const bundle = await openBundle(manifestBytes, blobs.get(stored.digest) ?? new Uint8Array());
    expect(bundle.config.runtime).toEqual(runtime);
    expect(bundle.model).toMatchObject({ size: 5, mediaType: MEDIA.tflite });
    expect(bundle.blob(MEDIA.model)).toBeUndefined();
    expect(layers.filter(({ mediaType }) => isModelMedia(mediaType))).toEqual([bundle.model]);
  });

  it('lists a blob that two parts share once', async () => {
    const { manifestBytes, blobs } = await makeManifest({ ...PARTS, recipe: PARTS.golden });
    expect(blobsOf(parseManifest(manifestBytes))).toHaveLength(blobs.size);
  });

  it('has one path in signed metadata and one file name', () => {
    expect(targetPath(CONFIG)).toBe('parts/3/raspberry-pi-5/int8');
    expect(bundleFileName(CONFIG)).toBe('parts-3-raspberry-pi-5-int8.flotilla');
  });
});

describe('a manifest from outside', () => {
  const layer = { mediaType: MEDIA.model, digest: CONFIG.sourceDigest, size: 1 };
  const good = {
    schemaVersion: 2,
    mediaType: MEDIA.manifest,
    artifactType: MEDIA.bundle,
    config: { ...layer, mediaType: MEDIA.config },
    layers: [layer],
  };
  const layers = (count: number) =>
    Array.from({ length: count }, (_, i) => ({ ...layer, mediaType: `a/b${i}` }));

  it('is read when it is sound', () => {
    expect(parseManifest(utf8(JSON.stringify(good)))).toEqual(good);
  });

  it.each([
    ['no list', []],
    ['schema version 1', { ...good, schemaVersion: 1 }],
    ['another artifact type', { ...good, artifactType: 'a/b' }],
    ['a config of another type', { ...good, config: layer }],
    ['no layers', { ...good, layers: [] }],
    ['too many layers', { ...good, layers: layers(64) }],
    ['two layers of a type', { ...good, layers: [layer, layer] }],
    [
      'two sizes of a blob',
      { ...good, layers: [layer, { ...layer, mediaType: MEDIA.spec, size: layer.size + 1 }] },
    ],
    ['a digest that is a path', { ...good, layers: [{ ...layer, digest: '../etc/passwd' }] }],
    [
      'a digest in capitals',
      { ...good, layers: [{ ...layer, digest: `sha256:${'A'.repeat(64)}` }] },
    ],
    ['a negative size', { ...good, layers: [{ ...layer, size: -1 }] }],
    ['a fractional size', { ...good, layers: [{ ...layer, size: 1.5 }] }],
  ])('is refused with %s', (_what, manifest) => {
    const bytes = utf8(JSON.stringify(manifest));
    expect(() => parseManifest(bytes, 'a.flotilla')).toThrow(
      /^a\.flotilla is not a valid bundle: /,
    );
  });

  it('is refused when it is too large', () => {
    const bytes = utf8(JSON.stringify({ ...good, further: 'x'.repeat(1 << 20) }));
    expect(() => parseManifest(bytes)).toThrow(/more than 1048576/);
  });
});

describe('a bundle config from outside', () => {
  it.each([
    ['a later format', { formatVersion: 2 }],
    ['a model name that is a path', { model: '../parts' }],
    ['a target with a slash', { target: 'a/b' }],
    ['version 0', { version: 0 }],
    ['a fractional version', { version: 1.5 }],
    ['an unknown precision', { precision: 'int2' }],
    ['another runtime', { runtime: { name: 'torch', minOpset: 1, opset: 1 } }],
    ['tools that are not texts', { tools: { a: 1 } }],
    ['a negative epoch', { epoch: -1 }],
  ])('is refused with %s', (_what, change) => {
    const bytes = utf8(JSON.stringify({ ...CONFIG, ...change }));
    expect(() => parseConfig(bytes)).toThrow(/^bundle config is not a valid bundle: \//);
  });

  it('may hold fields of a later minor version', () => {
    const bytes = utf8(JSON.stringify({ ...CONFIG, later: true }));
    expect(parseConfig(bytes)).toMatchObject({ model: 'parts' });
  });
});

import { describe, expect, test } from 'vitest';
import { MEDIA, makeManifest, openBundle, parseManifest } from './bundle.ts';
import { packBundle, unpackBundle } from './bundle-tar.ts';
import { isName } from './ids.ts';
import { makeRelease, openRelease, type ReleaseConfig, releasePath } from './release.ts';
import { isTargetPath } from './trust/targets.ts';

const utf8 = (text: string) => new TextEncoder().encode(text);

const CONFIG: ReleaseConfig = {
  formatVersion: 1,
  kind: 'agent',
  release: 3,
  version: '0.2.0',
  os: 'linux',
  arch: 'arm64',
  libc: 'glibc',
  protocolMinor: 1,
  files: 3,
  unpackedBytes: 12,
  epoch: 0,
};
const LAYERS = { node: utf8('node'), libraries: utf8('libs'), program: utf8('main') };

const configOf = ({ manifestBytes, blobs }: Awaited<ReturnType<typeof makeRelease>>) =>
  blobs.get(parseManifest(manifestBytes).config.digest) ?? new Uint8Array();

describe('a release of the agent', () => {
  test('is a bundle that says what it runs on, and travels in a file as every bundle', async () => {
    const made = await makeRelease(CONFIG, LAYERS);
    const { config, manifest } = await openRelease(made.manifestBytes, configOf(made), 'test');
    expect(config).toEqual(CONFIG);
    expect(manifest.layers).toHaveLength(3);
    const metadata = {
      root: [utf8('{"signed":{"version":1}}')],
      timestamp: utf8('{}'),
      snapshot: utf8('{}'),
      targets: utf8('{}'),
    };
    const file = Buffer.concat(await packBundle({ ...made, metadata }));
    const back = await unpackBundle(file, 'test');
    expect(back.digest).toBe(made.digest);
    expect([...back.blobs.keys()]).toEqual([...made.blobs.keys()]);
  });

  test('has a target path that is no path of a model', () => {
    expect(releasePath(CONFIG)).toBe('AGENT/3/linux-arm64/0.2.0');
    expect(isTargetPath(releasePath(CONFIG))).toBe(true);
    expect(isName('AGENT')).toBe(false);
  });

  test('is not taken for a model, nor a model for a release', async () => {
    const made = await makeRelease(CONFIG, LAYERS);
    await expect(openBundle(made.manifestBytes, configOf(made))).rejects.toThrow('no model');
    const model = await makeManifest({
      config: {
        formatVersion: 1,
        model: 'parts',
        version: 3,
        target: 'x86-64',
        precision: 'int8',
        runtime: { name: 'onnxruntime', minOpset: 13, opset: 17 },
        memoryBytes: 1,
        sourceDigest: `sha256:${'0'.repeat(64)}`,
        tools: {},
        epoch: 0,
      },
      ...{ model: utf8('m'), spec: utf8('s'), golden: utf8('g'), recipe: utf8('{}') },
    });
    await expect(openRelease(model.manifestBytes, configOf(model), 'test')).rejects.toThrow(
      'no release',
    );
  });

  test('is refused with a layer that nobody knows, or the config of another', async () => {
    const made = await makeRelease(CONFIG, LAYERS);
    const text = new TextDecoder().decode(made.manifestBytes);
    const strange = utf8(text.replace('agent.node.v1', 'agent.nose.v1'));
    await expect(openRelease(strange, configOf(made), 'test')).rejects.toThrow('agent.nose.v1');
    const other = await makeRelease({ ...CONFIG, arch: 'x64' }, LAYERS);
    await expect(openRelease(made.manifestBytes, configOf(other), 'test')).rejects.toMatchObject({
      code: 'bundle.digest-mismatch',
    });
    const modelConfig = utf8(text.replace(MEDIA.releaseConfig, MEDIA.config));
    await expect(openRelease(modelConfig, configOf(made), 'test')).rejects.toThrow('wrong type');
  });

  test.each([
    { version: '../../etc' },
    { version: '' },
    { release: 0 },
    { arch: 'mips' as 'x64' },
    { unpackedBytes: 2 ** 40 },
  ])('is refused with %o', async (wrong) => {
    await expect(makeRelease({ ...CONFIG, ...wrong }, LAYERS)).rejects.toMatchObject({
      code: 'bundle.invalid',
    });
  });
});

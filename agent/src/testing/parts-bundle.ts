import { readFile } from 'node:fs/promises';
import { buildProfile, encodeGolden, encodeProfile, tensorOf } from '@flotilla/model';
import { ortRuntime } from '@flotilla/model/node';
import { makeManifest, sha256, targetPath } from '@flotilla/protocol';
import sharp from 'sharp';
import type { SignedBundle } from './test-fleet.ts';

const VERSIONS = new URL('../../../examples/parts-inspection/versions/', import.meta.url);

/** The parts model of the examples as a bundle for this machine; the same weights for any version. */
export async function makePartsBundle(version: number): Promise<SignedBundle> {
  const file = (name: string) => readFile(new URL(`1/${name}`, VERSIONS));
  const [model, spec, labels] = await Promise.all(
    ['model.onnx', 'model.yaml', 'labels.txt'].map(file),
  );
  if (!model || !spec || !labels) throw new Error('the example has no version 1');
  const session = await ortRuntime().load(model);
  const [input] = session.inputs;
  if (input === undefined) throw new Error('the example takes no input');
  const samples = [Math.sin, Math.cos].map((wave) => {
    const values = Float32Array.from({ length: 3 * 96 * 96 }, (_, i) => wave(i));
    return { [input.name]: tensorOf(values, [1, 3, 96, 96], input.type) };
  });
  const config = {
    formatVersion: 1 as const,
    model: 'parts',
    version,
    target: 'x86-64',
    precision: 'fp32' as const,
    runtime: { name: 'onnxruntime' as const, minOpset: 13, opset: 17 },
    memoryBytes: 16 << 20,
    sourceDigest: await sha256(model),
    tools: {},
    epoch: 0,
  };
  const golden = encodeGolden({
    inputs: samples,
    outputs: await Promise.all(samples.map((feeds) => session.run(feeds))),
    tolerance: { absolute: 1e-3, relative: 1e-3 },
  });
  await session.dispose();
  const profile = encodeProfile(buildProfile(reference(input.name), 8));
  const content = await makeManifest({
    config,
    model,
    spec,
    labels,
    golden,
    profile,
    recipe: new TextEncoder().encode('{}'),
  });
  return { ...content, version, targetPath: targetPath(config) };
}

/** Inputs of middle brightness. */
const reference = (input: string) =>
  Array.from({ length: 200 }, (_, i) => ({
    features: { [`${input}.brightness`]: 0.4 + (i % 40) / 200 },
    classIndex: i % 8,
    confidence: 0.9,
  }));

/** An image of one gray, PNG. */
export async function grayImage(level: number): Promise<Buffer> {
  const background = { r: level, g: level, b: level };
  return sharp({ create: { width: 96, height: 96, channels: 3, background } })
    .png()
    .toBuffer();
}

import { encodeGolden } from '@flotilla/model';
import { tfliteRuntime } from '@flotilla/model/node';
import { makeManifest, sha256, TFLITE_SCHEMA, targetPath } from '@flotilla/protocol';
import { addModel } from '../../../model/src/testing/tiny-tflite.ts';
import type { SignedBundle } from './test-fleet.ts';

const SPEC = `schema: 1
name: sum
inputs: { a: { raw: {} }, b: { raw: {} } }
outputs: { raw: {} }
`;

const vector = (...values: number[]) => ({
  type: 'FP32' as const,
  shape: [values.length],
  data: Float32Array.from(values),
});

/** A model for TFLite that adds two vectors of three numbers, as a bundle. */
export async function makeTfliteBundle(version: number): Promise<SignedBundle> {
  const utf8 = new TextEncoder();
  const model = addModel([3]);
  const session = await tfliteRuntime().load(model);
  const feeds = { a: vector(1, 2, 3), b: vector(0.5, -2, 4) };
  const golden = encodeGolden({
    inputs: [feeds],
    outputs: [await session.run(feeds)],
    tolerance: { absolute: 1e-6, relative: 0 },
  });
  await session.dispose();
  const config = {
    formatVersion: 1 as const,
    model: 'sum',
    version,
    target: 'x86-64',
    precision: 'fp32' as const,
    runtime: { name: 'tflite' as const, minOpset: TFLITE_SCHEMA, opset: TFLITE_SCHEMA },
    memoryBytes: 16 << 20,
    sourceDigest: await sha256(model),
    tools: {},
    epoch: 0,
  };
  const recipe = utf8.encode('{}');
  const content = await makeManifest({ config, model, spec: utf8.encode(SPEC), golden, recipe });
  return { ...content, version, targetPath: targetPath(config) };
}

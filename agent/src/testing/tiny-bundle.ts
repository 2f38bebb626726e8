import { randomBytes } from 'node:crypto';
import { encodeGolden } from '@flotilla/model';
import { makeManifest, sha256, targetPath } from '@flotilla/protocol';
import { reluModel } from '../../../model/src/testing/tiny-onnx.ts';
import type { SignedBundle } from './test-fleet.ts';

const SPEC = 'schema: 1\nname: parts\ninputs: { x: { raw: {} } }\noutputs: { raw: {} }\n';

/** Makes a download last for some reads. */
const RECIPE_BYTES = 300_000;

const row = (values: readonly number[]) => ({
  type: 'FP32' as const,
  shape: [1, values.length],
  data: Float32Array.from(values),
});

/** The input that a tiny model of that version takes: as many numbers as tell it from others. */
export const tinyInput = (version: number): number[] =>
  Array.from({ length: 8 + version }, (_, i) => i - 4);

/** The smallest model for ONNX Runtime, y = max(x, 0), as a bundle for this machine. */
export async function makeTinyBundle(version: number): Promise<SignedBundle> {
  const utf8 = new TextEncoder();
  const x = tinyInput(version);
  const model = reluModel([1, x.length]);
  const config = {
    formatVersion: 1 as const,
    model: 'parts',
    version,
    target: 'x86-64',
    precision: 'fp32' as const,
    runtime: { name: 'onnxruntime' as const, minOpset: 13, opset: 17 },
    memoryBytes: 1 << 20,
    sourceDigest: await sha256(model),
    tools: {},
    epoch: 0,
  };
  const golden = encodeGolden({
    inputs: [{ x: row(x) }],
    outputs: [{ y: row(x.map((value) => Math.max(0, value))) }],
    tolerance: { absolute: 1e-6, relative: 0 },
  });
  const recipe = new Uint8Array(randomBytes(RECIPE_BYTES));
  const content = await makeManifest({ config, model, spec: utf8.encode(SPEC), golden, recipe });
  return { ...content, version, targetPath: targetPath(config) };
}

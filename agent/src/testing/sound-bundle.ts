import { createPipeline, encodeGolden, parseSpec } from '@flotilla/model';
import { ortRuntime } from '@flotilla/model/node';
import { makeManifest, sha256, targetPath } from '@flotilla/protocol';
import { reluModel } from '../../../model/src/testing/tiny-onnx.ts';
import type { SignedBundle } from './test-fleet.ts';

/** Samples of sound that the model hears. */
export const HEARD = 400;

const SPEC = `schema: 1
name: parts
inputs: { x: { audio: { sampleRate: 8000, samples: ${HEARD} } } }
outputs: { raw: {} }
`;

/** A model of sound at 8 kHz that gives what is positive of it; its slot is `parts`. */
export async function makeSoundBundle(): Promise<SignedBundle> {
  const model = reluModel([1, HEARD]);
  const session = await ortRuntime().load(model);
  const decoder = { decode: () => Promise.reject(new Error('there are no images')) };
  const options = { labels: undefined, inputs: [...session.inputs], decoder };
  const pipeline = createPipeline(parseSpec(SPEC, 'model.yaml'), options);
  const x = { type: 'INT16' as const, shape: [HEARD], data: new Int16Array(HEARD).fill(1000) };
  const { tensors } = await pipeline.preprocess({ x });
  const outputs = await session.run(tensors);
  await session.dispose();
  const config = {
    formatVersion: 1 as const,
    model: 'parts',
    version: 1,
    target: 'x86-64',
    precision: 'fp32' as const,
    runtime: { name: 'onnxruntime' as const, minOpset: 13, opset: 17 },
    memoryBytes: 1 << 20,
    sourceDigest: await sha256(model),
    tools: {},
    epoch: 0,
  };
  const tolerance = { absolute: 1e-6, relative: 1e-6 };
  const content = await makeManifest({
    config,
    model,
    spec: new TextEncoder().encode(SPEC),
    golden: encodeGolden({ inputs: [tensors], outputs: [outputs], tolerance }),
    recipe: new TextEncoder().encode('{}'),
  });
  return { ...content, version: 1, targetPath: targetPath(config) };
}

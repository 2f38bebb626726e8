import { encodeGolden, tensorOf } from '@flotilla/model';
import { ortRuntime } from '@flotilla/model/node';
import { makeManifest, sha256, targetPath } from '@flotilla/protocol';
import { tinyModel } from '../../../model/src/testing/tiny-onnx.ts';
import type { SignedBundle } from './test-fleet.ts';

/** Width and height of its image. */
const SIDE = 224;
const PROBE_ROUNDS = 20;
/** Enough for one that nobody disturbs. */
const PROBES = 40;

const SPEC = `schema: 1
name: slow
inputs:
  image: { image: { resize: { mode: stretch, size: ${SIDE} }, scale: 1/255 } }
outputs:
  classification: { tensor: scores, labels: [red, green, blue] }
`;

/**
 * A classifier of images that computes for about so many milliseconds on this machine: products of
 * matrices, one after the other. What it says means nothing.
 */
export async function makeSlowBundle(milliseconds: number): Promise<SignedBundle> {
  const probe = await timed(modelOf(PROBE_ROUNDS));
  const rounds = Math.max(1, Math.round((milliseconds * PROBE_ROUNDS) / probe.milliseconds));
  const model = modelOf(rounds);
  const { feeds, outputs } = await timed(model, 1);
  const config = {
    formatVersion: 1 as const,
    model: 'slow',
    version: 1,
    target: 'x86-64',
    precision: 'fp32' as const,
    runtime: { name: 'onnxruntime' as const, minOpset: 13, opset: 17 },
    memoryBytes: 16 << 20,
    sourceDigest: await sha256(model),
    tools: {},
    epoch: 0,
  };
  const tolerance = { absolute: 1e-2, relative: 1e-2 };
  const content = await makeManifest({
    config,
    model,
    spec: new TextEncoder().encode(SPEC),
    golden: encodeGolden({ inputs: [feeds], outputs: [outputs], tolerance }),
    recipe: new TextEncoder().encode('{}'),
  });
  return { ...content, version: 1, targetPath: targetPath(config) };
}

function modelOf(rounds: number): Uint8Array {
  const names = Array.from({ length: rounds }, (_, i) => [`product${i}`, `step${i}`] as const);
  return tinyModel({
    inputs: [{ name: 'image', shape: [1, 3, SIDE, SIDE] }],
    outputs: [{ name: 'scores', shape: [1, 3, 1, 1] }],
    nodes: [
      ...names.flatMap(([product, step], i) => [
        { op: 'MatMul', inputs: [names[i - 1]?.[1] ?? 'image', 'image'], outputs: [product] },
        { op: 'Softmax', inputs: [product], outputs: [step] },
      ]),
      { op: 'GlobalAveragePool', inputs: [names.at(-1)?.[1] ?? 'image'], outputs: ['scores'] },
    ],
  });
}

async function timed(model: Uint8Array, runs = PROBES) {
  const session = await ortRuntime().load(model, { threads: 1 });
  const values = Float32Array.from({ length: 3 * SIDE * SIDE }, (_, i) => (i % 251) / 251);
  const feeds = { image: tensorOf(values, [1, 3, SIDE, SIDE], 'FP32') };
  const outputs = await session.run(feeds);
  const times: number[] = [];
  for (let i = 0; i < runs; i++) {
    const began = performance.now();
    await session.run(feeds);
    times.push(performance.now() - began);
  }
  await session.dispose();
  // others use this machine too: the quickest run tells best what the work is
  return { feeds, outputs, milliseconds: Math.min(...times) };
}

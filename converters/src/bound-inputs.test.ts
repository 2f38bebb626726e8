import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createPipeline, decodeGolden, parseSpec } from '@flotilla/model';
import { ortRuntime, sharpDecoder } from '@flotilla/model/node';
import { MEDIA, openBundle } from '@flotilla/protocol';
import { readBundleFile } from '@flotilla/protocol/node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { convert } from './convert.ts';
import { writeOnnx } from './formats/onnx/write.ts';
import { tensorInfo } from './ir/graph.ts';
import { writeSamples } from './testing/samples.ts';
import { NetBuilder } from './testing/small-net.ts';

const SHAPE = [1, 3, 8, 8];
const specOf = (output: string): string => `
schema: 1
name: gained
inputs: {input: {raw: {}}, gain: {constant: 2}}
outputs: {classification: {tensor: ${output}, activation: softmax}}
evaluation: {metric: top1, maxDrop: 0.2}
`;

let folder = '';
let spec = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flotilla-bound-'));
  const net = new NetBuilder(5, SHAPE);
  net.model.graph.inputs.push(tensorInfo('gain', 'float32', []));
  const features = net.relu(net.conv(net.node('Mul', ['input', 'gain']), 3, 8, 3));
  const output = net.gemm(net.node('Flatten', [net.node('GlobalAveragePool', [features])]), 8, 4);
  spec = specOf(output);
  await writeFile(join(folder, 'gained.onnx'), writeOnnx(net.output(output)));
  await writeFile(join(folder, 'gained.yaml'), spec);
  await writeSamples(join(folder, 'data'), SHAPE, 24, 1);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('an input that the spec gives one value for is in the variants, and devices feed it no more', async () => {
  const { variants } = await convert({
    modelFile: join(folder, 'gained.onnx'),
    version: 1,
    targets: ['x86-64'],
    precisions: ['int8', 'fp32'],
    calibration: join(folder, 'data'),
    out: join(folder, 'out'),
    latencyRuns: 1,
  });
  for (const { file, accuracy } of variants) {
    expect(accuracy.passed).toBe(true);
    const bundle = await readBundleFile(file ?? '');
    const manifest = JSON.parse(new TextDecoder().decode(bundle.manifestBytes));
    const opened = await openBundle(
      bundle.manifestBytes,
      bundle.blobs.get(manifest.config.digest) ?? new Uint8Array(),
    );
    const blobOf = (media: string) => bundle.blobs.get(opened.blob(media)?.digest ?? '')!;
    const session = await ortRuntime().load(blobOf(MEDIA.model));
    const { inputs } = session;
    expect(inputs.map(({ name }) => name)).toEqual(['input']);
    const golden = decodeGolden(blobOf(MEDIA.golden));
    const decoder = sharpDecoder();
    const pipeline = createPipeline(parseSpec(spec, 'spec'), {
      labels: undefined,
      inputs,
      decoder,
    });
    const { tensors } = await pipeline.preprocess(golden.inputs[0] ?? {});
    expect(await session.run(tensors)).toEqual(golden.outputs[0]);
    await session.dispose();
  }
});

import { createPipeline, parseSpec, type Tensors } from '@flotilla/model';
import { ortRuntime, sharpDecoder } from '@flotilla/model/node';
import { expect, test } from 'vitest';
import { tensorSet } from '../data/samples.ts';
import { writeOnnx } from '../formats/onnx/write.ts';
import { NetBuilder, randomInput } from '../testing/small-net.ts';
import { openJudge } from './evaluate.ts';

const SHAPE = [1, 3, 8, 8];
const SAMPLES = Array.from({ length: 4 }, (_, seed) => randomInput(SHAPE, seed));
const NO_NUMBERS: Tensors = {
  input: { type: 'FP32', shape: SHAPE, data: new Float32Array(192).fill(Number.NaN) },
};

/** A classifier; `scale` multiplies its scores. */
function classifier(scale: number) {
  const net = new NetBuilder(3, SHAPE);
  const pooled = net.node('GlobalAveragePool', [net.relu(net.conv('input', 3, 8, 3))]);
  const scores = net.gemm(net.node('Flatten', [pooled]), 8, 4);
  const output = net.node('Mul', [scores, net.constant([1], [scale])]);
  return { bytes: writeOnnx(net.output(output)), output };
}

const CLASSIFICATION = 'classification: {tensor: TENSOR, activation: softmax}';
const REGRESSION = 'regression: {tensor: TENSOR, names: [a, b, c, d]}';

/** @param outputs of the spec; TENSOR is the output of the model */
async function judgeOf(samples: readonly Tensors[], outputs = CLASSIFICATION) {
  const { bytes, output } = classifier(1);
  const runtime = ortRuntime();
  const session = await runtime.load(bytes);
  const text = `
schema: 1
name: small
inputs: {input: {raw: {}}}
outputs: {${outputs.replaceAll('TENSOR', output)}}
evaluation: {metric: agreement, maxDrop: 0.1}
`;
  const pipeline = createPipeline(parseSpec(text, 'model.yaml'), {
    labels: undefined,
    inputs: session.inputs,
    decoder: sharpDecoder(),
  });
  const runner = { runtime, runMs: 1 };
  return await openJudge({ model: bytes, session, pipeline, samples: tensorSet(samples), runner });
}

test('a sample that fp32 answers with NaN is named', async () => {
  await expect(judgeOf([...SAMPLES, NO_NUMBERS])).rejects.toThrow(
    /^made-up sample 4 cannot be used as data: the model's output for it is not a number/,
  );
});

test('a variant that answers with NaN agrees on nothing', async () => {
  const judge = await judgeOf(SAMPLES);
  expect((await judge.judge(classifier(1).bytes)).quality.agreement).toBe(1);
  const { quality, observations } = await judge.judge(classifier(Number.NaN).bytes);
  expect(quality).toMatchObject({ agreement: 0, lost: SAMPLES.length });
  expect(observations.every(({ classIndex }) => classIndex === undefined)).toBe(true);
});

test.each([
  ['alone', REGRESSION],
  ['beside classes', `${CLASSIFICATION}, ${REGRESSION}`],
])('values of a regression are observed for drift, %s', async (_, outputs) => {
  const judge = await judgeOf(SAMPLES, outputs);
  const [once, twice] = [
    await judge.judge(classifier(1).bytes),
    await judge.judge(classifier(2).bytes),
  ];
  expect(once.observations).toHaveLength(SAMPLES.length);
  for (const [i, { features }] of once.observations.entries()) {
    const value = features['prediction.c'] ?? Number.NaN;
    expect(value).not.toBe(0);
    expect(twice.observations[i]?.features['prediction.c']).toBeCloseTo(2 * value, 5);
  }
});

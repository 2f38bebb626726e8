import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { benchModel } from './bench.ts';
import { compareModels } from './compare.ts';
import { writeOnnx } from './formats/onnx/write.ts';
import { makeNode, tensorInfo } from './ir/graph.ts';
import { writeSamples } from './testing/samples.ts';
import { smallNet } from './testing/small-net.ts';

const SHAPE = [1, 3, 16, 16];

let folder = '';
const path = (name: string): string => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flotilla-compare-'));
  const model = smallNet(1);
  await writeFile(path('a.onnx'), writeOnnx(model));
  await writeFile(path('b.onnx'), writeOnnx(smallNet(2)));
  const spec = (outputs: string) => `
schema: 1
name: net
inputs: {input: {raw: {}}}
outputs: ${outputs}
evaluation: {slices: [side]}
`;
  const output = model.graph.outputs[0]?.name ?? '';
  await writeFile(path('a.yaml'), spec(`{classification: {tensor: ${output}, activation: none}}`));
  await writeFile(path('raw.yaml'), spec('{raw: {}}'));
  await writeSamples(path('samples'), SHAPE, 24, 5);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('a model agrees with itself on every sample and in every slice', async () => {
  const request = { a: path('a.onnx'), b: path('a.onnx'), evaluation: path('samples') };
  const { accuracy, latencyMs, bytes } = await compareModels({ ...request, latencyRuns: 3 });
  expect(accuracy).toMatchObject({ metric: 'top1', samples: 24, agreement: 1, lost: 0, won: 0 });
  expect(accuracy.kl).toBeCloseTo(0, 9);
  expect(accuracy.slices.map(({ samples }) => samples)).toEqual([12, 12]);
  expect(latencyMs.fp32).toBeGreaterThan(0);
  expect(bytes.fp32).toBe(bytes.variant);
});

test('another model disagrees', async () => {
  const request = { a: path('a.onnx'), b: path('b.onnx'), evaluation: path('samples') };
  const { accuracy } = await compareModels({ ...request, latencyRuns: 1 });
  expect(accuracy.agreement).toBeLessThan(1);
  expect(accuracy.kl).toBeGreaterThan(0);
});

test('outputs that are no classes are compared by their noise', async () => {
  const specFile = path('raw.yaml');
  const request = { a: path('a.onnx'), specFile, evaluation: path('samples'), latencyRuns: 1 };
  const same = await compareModels({ ...request, b: path('a.onnx') });
  expect(same.accuracy).toMatchObject({ metric: 'agreement', agreement: 1 });
  const other = await compareModels({ ...request, b: path('b.onnx') });
  expect(other.accuracy.agreement).toBeLessThan(0.5);
});

test('a model is timed on this machine', async () => {
  const result = await benchModel({ modelFile: path('a.onnx'), runs: 5 });
  expect(result).toMatchObject({
    runs: 5,
    latencyMs: { measuredOn: { provider: 'cpu', threads: 1 } },
  });
  expect(result.latencyMs.p50).toBeGreaterThan(0);
  expect(result.latencyMs.p95).toBeGreaterThanOrEqual(result.latencyMs.p50);
  await expect(benchModel({ modelFile: path('no.onnx') })).rejects.toThrow(
    /no model at .*no\.onnx/,
  );
  const odd = { modelFile: path('a.onnx'), runs: Number.NaN };
  await expect(benchModel(odd)).rejects.toThrow('runs must be a whole number from 1');
  await expect(benchModel({ ...odd, runs: 1, threads: 0 })).rejects.toThrow('threads must be');
  await expect(benchModel({ ...odd, runs: 1, threads: 1025 })).rejects.toThrow(
    /--threads must be a whole number from 1 to \d+$/,
  );
});

test('a file that is no model is named and called what it is', async () => {
  await writeFile(path('text.onnx'), 'no model');
  const whole = await readFile(path('a.onnx'));
  await writeFile(path('short.onnx'), whole.subarray(0, whole.length / 2));
  const wrong = [
    ['text.onnx', /text\.onnx is not a readable ONNX model \(it looks like a text file\)/],
    ['short.onnx', /short\.onnx is not a readable ONNX model \(cut off or damaged/],
  ] as const;
  for (const [name, says] of wrong) {
    await expect(benchModel({ modelFile: path(name) })).rejects.toThrow(says);
    const request = { a: path('a.onnx'), b: path(name), evaluation: path('samples') };
    await expect(compareModels(request)).rejects.toThrow(says);
  }
});

test('a model that only the runtime refuses is named with its reason', async () => {
  const model = smallNet(1);
  const [first] = model.graph.nodes;
  model.graph.nodes[0] = { ...first!, op: 'Magic' };
  await writeFile(path('magic.onnx'), writeOnnx(model));
  const modelFile = path('magic.onnx');
  await expect(benchModel({ modelFile })).rejects.toThrow(/the runtime refuses .*magic\.onnx: /);
});

test('a spec that asks for agreement is judged so, labels or not', async () => {
  const text = await readFile(path('a.yaml'), 'utf8');
  await writeFile(path('agree.yaml'), text.replace('{slices', '{metric: agreement, slices'));
  const request = { a: path('a.onnx'), b: path('a.onnx'), specFile: path('agree.yaml') };
  const { accuracy } = await compareModels({ ...request, evaluation: path('samples') });
  expect(accuracy).toMatchObject({ metric: 'agreement', samples: 24, fp32: 1, variant: 1 });
});

test('models that take different inputs are told apart', async () => {
  const model = smallNet(1);
  const [input] = model.graph.inputs;
  const pixels = makeNode('Identity', 'feed', ['pixels'], [input?.name ?? '']);
  model.graph.inputs = [tensorInfo('pixels', 'float32', SHAPE)];
  model.graph.nodes.unshift(pixels);
  await writeFile(path('other.onnx'), writeOnnx(model));
  const request = { a: path('a.onnx'), b: path('other.onnx'), evaluation: path('samples') };
  await expect(compareModels(request)).rejects.toThrow(
    /a\.onnx takes input \(.*\), and .*other\.onnx takes pixels \(.*\): give two models/,
  );
});

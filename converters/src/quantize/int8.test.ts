import { compareTensors, decibels, type Tensors } from '@flotilla/model';
import { ortRuntime } from '@flotilla/model/node';
import { type QdqForm, TARGETS } from '@flotilla/targets';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { calibrate } from '../calibrate/calibrate.ts';
import type { ActivationStatistics } from '../calibrate/statistics.ts';
import { int, ints } from '../ir/attributes.ts';
import { indexGraph } from '../ir/edit.ts';
import type { Model } from '../ir/graph.ts';
import { checkModel } from '../passes/pass.ts';
import { relativeError, runModel } from '../testing/run-model.ts';
import { NetBuilder, randomInput, smallNet } from '../testing/small-net.ts';
import { type Int8Model, quantizeInt8 } from './int8.ts';
import { heavyNodes, planQdq } from './plan.ts';

const FORMS = {
  cpu: TARGETS['x86-64'].qdq,
  wasm: TARGETS['browser-wasm'].qdq,
  jetson: TARGETS['jetson-orin'].qdq,
  tflite: TARGETS.tflite.qdq,
} as const satisfies Record<string, QdqForm>;

const SHAPE = [1, 3, 16, 16];

async function* inputs(shape: readonly number[], count: number): AsyncGenerator<Tensors> {
  for (let seed = 0; seed < count; seed++) yield randomInput(shape, seed);
}

async function statisticsOf(model: Model, shape: readonly number[]): Promise<ActivationStatistics> {
  const options = { runtime: ortRuntime(), methods: ['min-max'], workers: 1 } as const;
  return await calibrate(model, inputs(shape, 16), options);
}

async function toInt8(model: Model, shape: readonly number[], form: QdqForm): Promise<Int8Model> {
  const statistics = await statisticsOf(model, shape);
  return quantizeInt8(model, statistics.ranges('min-max', form), form);
}

/** Of the first output against fp32, on samples that calibration did not see. */
async function signalToNoise(fp32: Model, variant: Model, shape = SHAPE): Promise<number> {
  let [signal, noise] = [0, 0];
  for (let seed = 100; seed < 104; seed++) {
    const feeds = randomInput(shape, seed);
    const x = await firstOutput(fp32, feeds);
    const y = await firstOutput(variant, feeds);
    x.forEach((value, i) => {
      signal += value ** 2;
      noise += (value - y[i]!) ** 2;
    });
  }
  return decibels(signal, noise);
}

async function firstOutput(model: Model, feeds: Tensors): Promise<Float32Array> {
  const [output] = Object.values((await runModel(model, feeds)).outputs);
  return output?.data as Float32Array;
}

/** What makes and takes a node's values, as `op` or `op of initializer`. */
function neighbors({ graph }: Model, op: string): { before: string[]; after: string[] }[] {
  const index = indexGraph(graph);
  return graph.nodes
    .filter((node) => node.op === op)
    .map((node) => ({
      before: node.inputs.map((name) => index.producer.get(name)?.op ?? 'constant'),
      after: node.outputs.flatMap((name) => (index.consumers.get(name) ?? []).map(({ op }) => op)),
    }));
}

describe('the form for ONNX Runtime on a processor', () => {
  test('quantizes what a convolution takes, and what its Relu or Clip makes', async () => {
    const { model, skipped } = await toInt8(smallNet(1), SHAPE, FORMS.cpu);
    checkModel(model);
    expect(skipped).toEqual([]);
    for (const { before, after } of neighbors(model, 'Conv')) {
      expect(before).toEqual(['DequantizeLinear', 'DequantizeLinear', 'DequantizeLinear']);
      expect(['Relu', 'Clip', 'QuantizeLinear']).toContain(after[0]);
      expect(after).toHaveLength(1);
    }
    for (const { after } of neighbors(model, 'Relu')) expect(after).toEqual(['QuantizeLinear']);
  });

  test('leaves out every Relu and Clip that integers replace, their zero points at the bottom', async () => {
    const fp32 = smallNet(2);
    const { model, values } = await toInt8(fp32, SHAPE, FORMS.cpu);
    expect(model.graph.nodes.filter(({ op }) => op === 'Clip')).toEqual([]);
    // The last one is behind an Add, whose sum ONNX Runtime does not need written either.
    expect(model.graph.nodes.filter(({ op }) => op === 'Relu')).toEqual([]);
    const cut = fp32.graph.nodes.filter(({ op }) => op === 'Relu' || op === 'Clip');
    expect(cut.length).toBeGreaterThan(4);
    for (const { outputs } of cut) expect(values.get(outputs[0]!)?.zeroPoint).toBe(0);
  });

  test('never lets a quantized value exceed the Clip before it, however wide its range is', async () => {
    const fp32 = smallNet(3);
    const ranges = new Map(
      fp32.graph.nodes.flatMap(({ outputs }) =>
        outputs.map((name) => [name, { min: -9, max: 90 }]),
      ),
    );
    ranges.set('input', { min: -1, max: 1 });
    const { values } = quantizeInt8(fp32, ranges, FORMS.cpu);
    const clip = fp32.graph.nodes.find(({ op }) => op === 'Clip');
    const { scale = 1 } = values.get(clip?.outputs[0] ?? '') ?? {};
    expect(Math.fround(scale * 255)).toBeLessThanOrEqual(6);
    expect(scale * 255).toBeGreaterThan(5.999);
  });

  test.each([
    ['a lower bound only', [[0, undefined]]],
    ['an upper bound only', [[undefined, 2]]],
    ['both bounds elsewhere', [[-1, 1]]],
    ['an infinite bound', [[0, Number.POSITIVE_INFINITY]]],
    [
      'another one behind it',
      [
        [0, 6],
        [0, 3],
      ],
    ],
    [
      'a narrower one before it',
      [
        [0, 3],
        [0, 6],
      ],
    ],
  ])('a Clip with %s stays within quantization error', async (_what, clips) => {
    const net = new NetBuilder(1, SHAPE);
    const bound = (value: number | undefined) =>
      value === undefined ? '' : net.constant([], [value]);
    const cut = clips.reduce(
      (value, [low, high]) => net.node('Clip', [value, bound(low), bound(high)]),
      net.conv('input', 3, 8, 3),
    );
    const fp32 = net.output(net.conv(cut, 8, 4, 3));
    const { model } = await toInt8(fp32, SHAPE, FORMS.cpu);
    expect(await signalToNoise(fp32, model)).toBeGreaterThan(25);
  });

  test('a Relu stays where the zero point is not at the bottom', async () => {
    const net = new NetBuilder(5, SHAPE);
    const fp32 = net.output(net.conv(net.relu(net.conv('input', 3, 8, 3)), 8, 4, 3));
    const { model } = await toInt8(fp32, SHAPE, { ...FORMS.cpu, symmetricActivations: true });
    expect(neighbors(model, 'Relu')).toEqual([{ before: ['Conv'], after: ['QuantizeLinear'] }]);
    expect(await signalToNoise(fp32, model)).toBeGreaterThan(25);
  });

  test('a pool whose range was rounded outwards does not move the zero point of the Relu before it', () => {
    const net = new NetBuilder(6, SHAPE);
    const relu = net.relu(net.conv('input', 3, 8, 3));
    const pool = net.node('MaxPool', [relu], { kernel_shape: ints([2, 2]) });
    const fp32 = net.output(net.conv(pool, 8, 4, 3));
    const ranges = new Map(
      ['input', relu, pool].map((name) => [name, { min: name === pool ? -0.1 : 0, max: 2 }]),
    );
    const all = new Map(
      [...fp32.graph.nodes.flatMap(({ outputs }) => outputs)].map((name) => [
        name,
        { min: -2, max: 2 },
      ]),
    );
    const { values } = quantizeInt8(fp32, new Map([...all, ...ranges]), FORMS.cpu);
    expect([values.get(relu)?.zeroPoint, values.get(pool)?.zeroPoint]).toEqual([0, 0]);
  });

  test('the Add behind a MatMul is its bias: no second rounding lies between', async () => {
    const net = new NetBuilder(2, SHAPE);
    const product = net.node('MatMul', ['input', net.weights([16, 12], 16)]);
    const sum = net.relu(net.node('Add', [net.weights([12], 40), product]));
    const fp32 = net.output(net.node('MatMul', [sum, net.weights([12, 5], 12)]));
    const { model } = await toInt8(fp32, SHAPE, FORMS.cpu);
    checkModel(model);
    expect(neighbors(model, 'Add')[0]?.before.toSorted()).toEqual(['DequantizeLinear', 'MatMul']);
    expect(neighbors(model, 'Add')[0]?.after).toEqual(['QuantizeLinear']);
    const bias = model.graph.initializers.values().find(({ dtype }) => dtype === 'int32');
    expect(bias?.dims).toEqual([12]);
    expect(await signalToNoise(fp32, model)).toBeGreaterThan(25);
  });

  test('nodes kept in float by choice are named with that reason', async () => {
    const fp32 = smallNet(1);
    const names = heavyNodes(fp32, FORMS.cpu);
    expect(names).toHaveLength(7);
    const ranges = (await statisticsOf(fp32, SHAPE)).ranges('min-max', FORMS.cpu);
    const float = new Set(names.slice(0, 2));
    const { model, skipped } = quantizeInt8(fp32, ranges, FORMS.cpu, { float });
    checkModel(model);
    expect(skipped).toEqual(
      names.slice(0, 2).map((node) => ({ node, reason: 'kept in float by choice' })),
    );
    const kept = model.graph.nodes.filter(({ name }) => float.has(name));
    expect(kept.map(({ inputs }) => model.graph.initializers.has(inputs[1]!))).toEqual([
      true,
      true,
    ]);
  });

  test('leaves the last product and the softmax in float, so that no classes tie', async () => {
    const { model } = await toInt8(smallNet(1), SHAPE, FORMS.cpu);
    expect(neighbors(model, 'Gemm')[0]?.after).toEqual(['Softmax']);
    expect(neighbors(model, 'Softmax')[0]?.before).toEqual(['Gemm']);
  });

  test('lets pools and branches share the scale of what they pass on', async () => {
    const { model } = await toInt8(smallNet(1), SHAPE, FORMS.cpu);
    const { producer, consumers } = indexGraph(model.graph);
    const scaleOf = (name: string | undefined) => [
      ...(model.graph.initializers.get(producer.get(name ?? '')?.inputs[1] ?? '')?.bytes ?? []),
    ];
    const quantized = (name: string | undefined) =>
      (consumers.get(name ?? '') ?? []).find(({ op }) => op === 'QuantizeLinear')?.outputs[0];
    for (const node of model.graph.nodes.filter(({ op }) => op === 'Concat' || op === 'MaxPool')) {
      const own = scaleOf(quantized(node.outputs[0]));
      expect(own).toHaveLength(4);
      for (const input of node.inputs) expect(scaleOf(input)).toEqual(own);
    }
  });

  test('keeps the names of the graph outputs', async () => {
    const net = new NetBuilder(1, [1, 3, 8, 8]);
    const model = net.output(net.relu(net.conv('input', 3, 4, 3)));
    const { model: quantized } = await toInt8(model, [1, 3, 8, 8], FORMS.cpu);
    checkModel(quantized);
    const feeds = randomInput([1, 3, 8, 8], 9);
    const [expected, actual] = [await runModel(model, feeds), await runModel(quantized, feeds)];
    expect(Object.keys(actual.outputs)).toEqual(Object.keys(expected.outputs));
  });

  test('quantizes SiLU by its Sigmoid and its product', async () => {
    const net = new NetBuilder(1, [1, 3, 8, 8]);
    const x = net.conv('input', 3, 8, 3);
    const silu = net.node('Mul', [x, net.node('Sigmoid', [x])]);
    const { model } = await toInt8(net.output(net.conv(silu, 8, 4, 1)), [1, 3, 8, 8], FORMS.cpu);
    expect(neighbors(model, 'Sigmoid')[0]?.after).toEqual(['QuantizeLinear']);
    expect(neighbors(model, 'Mul')[0]?.before).toEqual(['DequantizeLinear', 'DequantizeLinear']);
  });

  test('does not quantize arithmetic that no integer operator follows', async () => {
    const net = new NetBuilder(1, [1, 3, 8, 8]);
    const x = net.node('Mul', ['input', net.constant([], [2])]);
    const y = net.node('Tanh', [net.relu(net.conv(x, 3, 4, 3))]);
    const { model } = await toInt8(net.output(net.node('Add', [y, y])), [1, 3, 8, 8], FORMS.cpu);
    expect(neighbors(model, 'Mul')[0]?.before).toEqual(['constant', 'constant']);
    expect(neighbors(model, 'Add')[0]?.before).toEqual(['Tanh', 'Tanh']);
  });

  test('leaves a convolution without constant weights in float and says so', async () => {
    const net = new NetBuilder(1, [1, 3, 8, 8]);
    const features = net.relu(net.conv('input', 3, 4, 3));
    const computed = net.node('Abs', [net.weights([2, 4, 1, 1], 4)]);
    const model = net.output(net.node('Conv', [features, computed]));
    const { skipped } = await toInt8(model, [1, 3, 8, 8], FORMS.cpu);
    expect(skipped).toEqual([
      { node: expect.stringMatching(/^node_conv/), reason: 'no constant weights' },
    ]);
  });
});

test('a MatMul whose constant is its left side stays float and says so', async () => {
  const net = new NetBuilder(1, [8, 4]);
  const left = net.relu(net.node('MatMul', [net.weights([6, 8], 8), 'input']));
  const fp32 = net.output(net.node('MatMul', [left, net.weights([4, 3], 4)]));
  const { model, integerNodes, skipped } = await toInt8(fp32, [8, 4], FORMS.cpu);
  expect(integerNodes).toBe(1);
  expect(skipped).toEqual([
    { node: fp32.graph.nodes[0]!.name, reason: 'its weights are not its right side' },
  ]);
  expect(neighbors(model, 'MatMul')[0]?.before).toEqual(['constant', 'constant']);
});

test.each([
  ['that compute, without integers before them,', 'Sigmoid', 1],
  ['that pass on what they take', 'Flatten', 20_001],
])('a chain of 20,000 operators %s is planned in seconds', (_what, op, expected) => {
  const net = new NetBuilder(1, [1, 4]);
  let value = 'input';
  for (let i = 0; i < 20_000; i++) value = net.node(op, [value]);
  const { graph } = net.output(net.node('MatMul', [value, net.weights([4, 4], 4)]));
  const names = ['input', ...graph.nodes.flatMap(({ outputs }) => outputs)];
  const ranges = new Map(names.map((name) => [name, { min: 0, max: 1 }]));
  const began = performance.now();
  const { integer } = planQdq(graph, ranges, FORMS.cpu);
  expect(performance.now() - began).toBeLessThan(5000);
  expect(integer.size).toBe(expected);
});

test('the form for TensorRT quantizes inputs of products and the residual branch, with zero points 0', async () => {
  const { model } = await toInt8(smallNet(1), SHAPE, FORMS.jetson);
  checkModel(model);
  for (const { before, after } of neighbors(model, 'Conv')) {
    expect(before).toEqual(['DequantizeLinear', 'DequantizeLinear', 'constant']);
    expect(after).not.toContain('QuantizeLinear');
  }
  expect(neighbors(model, 'Add')[0]?.before.toSorted()).toEqual(['Conv', 'DequantizeLinear']);
  const zeroPoints = model.graph.nodes
    .filter(({ op }) => op === 'QuantizeLinear')
    .map(({ inputs }) => model.graph.initializers.get(inputs[2] ?? ''));
  for (const zeroPoint of zeroPoints) {
    expect(zeroPoint).toMatchObject({ dtype: 'int8', bytes: Uint8Array.of(0) });
  }
});

test('depthwise convolutions stay float where a target is slower at them', async () => {
  const { skipped } = await toInt8(smallNet(1), SHAPE, FORMS.wasm);
  expect(skipped.map(({ reason }) => reason)).toEqual([
    'a depthwise convolution is slower in integers on this target',
  ]);
});

test('a graph without products is refused with the reason', async () => {
  const net = new NetBuilder(1, [1, 3, 8, 8]);
  const model = net.output(net.relu('input'));
  await expect(toInt8(model, [1, 3, 8, 8], FORMS.cpu)).rejects.toThrow(
    'the model cannot be quantized to int8: no operator can run in integers',
  );
});

test('outputs of random networks stay within quantization error of fp32 in every form', async () => {
  const form = fc.constantFrom(...Object.values(FORMS));
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 1e6 }), form, async (seed, qdq) => {
      const fp32 = smallNet(seed);
      const { model } = await toInt8(fp32, SHAPE, qdq);
      // Eight layers of 8 bits: 6 dB a bit, less what ranges wider than the values cost.
      expect(await signalToNoise(fp32, model)).toBeGreaterThan(22);
    }),
    { numRuns: 12 },
  );
});

test.each([
  ['one number', []],
  ['a list of one number', [1]],
  ['a row', [1, 8]],
  ['a column, which no integer product takes', [8, 1]],
])('a Gemm whose bias is %s stays within quantization error', async (_what, dims) => {
  const net = new NetBuilder(1, [8, 16]);
  const values = Array.from({ length: dims.reduce((all, dim) => all * dim, 1) }, (_, i) => i + 5);
  const weights = Array.from({ length: 128 }, (_, i) => Math.sin(i) * (1 + 3 * Math.floor(i / 16)));
  const inputs = [net.relu('input'), net.constant([8, 16], weights), net.constant(dims, values)];
  const product = net.node('Gemm', inputs, { transB: int(1) });
  const fp32 = net.output(net.gemm(net.relu(product), 8, 4));
  const { model } = await toInt8(fp32, [8, 16], FORMS.cpu);
  const feeds = randomInput([8, 16], 9);
  const [expected, actual] = [await runModel(fp32, feeds), await runModel(model, feeds)];
  const exact = { absolute: 0, relative: 0 };
  const { sqnrDb } = compareTensors(expected.outputs, actual.outputs, exact);
  expect(sqnrDb).toBeGreaterThan(30);
});

test.each([
  ['a list', [6], [4, 8], [8, 6]],
  ['of a higher rank than the product', [1, 1, 6], [4, 8], [8, 6]],
  ['behind a stack of matrices', [8], [1, 4, 8], [1, 8, 8]],
])(
  'an Add of constants behind a MatMul, %s, stays what it is',
  async (_what, dims, shape, matrix) => {
    const net = new NetBuilder(1, shape);
    const count = dims.reduce((all, dim) => all * dim, 1);
    const bias = Array.from({ length: count }, (_, i) => 5 * Math.sin(i));
    const product = net.node('MatMul', ['input', net.weights(matrix, 8)]);
    const sum = net.relu(net.node('Add', [product, net.constant(dims, bias)]));
    const fp32 = net.output(net.node('MatMul', [sum, net.weights([count, 3], count)]));
    const { model } = await toInt8(fp32, shape, FORMS.cpu);
    const feeds = randomInput(shape, 9);
    const [expected, actual] = [await runModel(fp32, feeds), await runModel(model, feeds)];
    expect(relativeError(expected.outputs, actual.outputs)).toBeLessThan(0.03);
  },
);

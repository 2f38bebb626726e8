import { decibels, type Tensors } from '@flotilla/model';
import { ortRuntime } from '@flotilla/model/node';
import { TARGETS } from '@flotilla/targets';
import { describe, expect, test } from 'vitest';
import type { ActivationStatistics } from '../calibrate/statistics.ts';
import { int } from '../ir/attributes.ts';
import type { Model } from '../ir/graph.ts';
import { checkModel } from '../passes/pass.ts';
import { runModel } from '../testing/run-model.ts';
import { NetBuilder, randomInput, smallNet } from '../testing/small-net.ts';
import { heavyNodes } from './plan.ts';
import type { Ranges } from './plan-context.ts';
import { type CalibrationData, quantize } from './quantize.ts';
import type { StaticScheme } from './scheme.ts';

const SHAPE = [1, 3, 16, 16];

const SCHEME: StaticScheme = {
  precision: 'int8',
  form: TARGETS['x86-64'].qdq,
  method: 'min-max',
  equalize: false,
  biasCorrection: true,
  rounding: 'adaptive',
  float: [],
};

/** Every value between −3 and 3, but for those named. */
function calibrated(model: Model, others: Ranges = new Map()): CalibrationData {
  const names = ['input', ...model.graph.nodes.flatMap(({ outputs }) => outputs)];
  const ranges = new Map(names.map((name) => [name, others.get(name) ?? { min: -3, max: 3 }]));
  const statistics: ActivationStatistics = {
    samples: 4,
    methods: ['min-max'],
    ranges: () => ranges,
  };
  return {
    statistics,
    runtime: ortRuntime(),
    async *samples() {
      for (let seed = 0; seed < 4; seed++) yield randomInput(shapeOf(model), seed);
    },
  };
}

function shapeOf({ graph }: Model): number[] {
  const type = graph.inputs[0]?.type;
  return type?.kind === 'tensor' ? (type.shape ?? []).map(Number) : [];
}

async function firstOutput(model: Model, feeds: Tensors): Promise<Float32Array> {
  const [output] = Object.values((await runModel(model, feeds)).outputs);
  return output?.data as Float32Array;
}

test('the report says what the integers reach, and what calibration saw', async () => {
  const model = smallNet(1);
  const seen = new Map([['input', { min: -1, max: 3 }]]);
  const calibration = calibrated(model, seen);
  const { ranges } = await quantize({ model, scheme: SCHEME, calibration });
  expect(ranges[0]).toMatchObject({ value: 'input', seen: { min: -1, max: 3 }, type: 'uint8' });
  expect(ranges[0]?.min).toBeCloseTo(-1, 1);
  expect(ranges[0]?.max).toBeCloseTo(3, 1);
  const order = model.graph.nodes.flatMap(({ outputs }) => outputs);
  const places = ranges.slice(1).map(({ value }) => order.indexOf(value));
  expect(places).toEqual(places.toSorted((a, b) => a - b));
});

describe('mixed precision', () => {
  test('computes nodes kept in floating point by float16 where the runtime is one of a GPU', async () => {
    const model = smallNet(2);
    const { qdq: form } = TARGETS['jetson-orin'];
    const float = heavyNodes(model, form).slice(0, 2);
    const scheme: StaticScheme = { ...SCHEME, precision: 'mixed', form, float };
    const made = await quantize({ model, scheme, calibration: calibrated(model) });
    checkModel(made.model);
    expect(made.precision).toBe('mixed');
    const { nodes, initializers } = made.model.graph;
    for (const node of nodes.filter(({ op }) => op === 'Conv' || op === 'Gemm')) {
      const weight = initializers.get(node.inputs[1] ?? '')?.dtype;
      expect(weight).toBe(float.includes(node.name) ? 'float16' : undefined);
    }
    const feeds = randomInput(SHAPE, 9);
    const [x, y] = [await firstOutput(model, feeds), await firstOutput(made.model, feeds)];
    const noise = x.map((value, i) => (value - y[i]!) ** 2).reduce((a, b) => a + b);
    const signal = x.map((value) => value ** 2).reduce((a, b) => a + b);
    expect(decibels(signal, noise)).toBeGreaterThan(15);
  });

  test('computes them by float32 on a processor', async () => {
    const model = smallNet(2);
    const float = heavyNodes(model, SCHEME.form).slice(0, 2);
    const scheme: StaticScheme = { ...SCHEME, precision: 'mixed', float };
    const made = await quantize({ model, scheme, calibration: calibrated(model) });
    const types = [...made.model.graph.initializers.values()].map(({ dtype }) => dtype);
    expect(types).not.toContain('float16');
    expect(made.skipped.map(({ node }) => node)).toEqual(float);
  });
});

describe('what cannot be quantized', () => {
  test('without samples the refusal says what is missing', async () => {
    const input = { model: smallNet(1), scheme: SCHEME, calibration: undefined };
    await expect(quantize(input)).rejects.toThrow(
      'the model cannot be quantized to int8: it needs samples to calibrate with',
    );
  });

  test.each([
    ['weights that are NaN', 1, 'its weights are not all finite'],
    ['a bias that is infinite', 2, 'its bias is no finite constant for each channel'],
  ])('a node with %s stays in float, with its name', async (_what, input, reason) => {
    const net = new NetBuilder(1, SHAPE);
    const value = net.relu(net.conv('input', 3, 4, 3));
    const model = net.output(net.conv(value, 4, 4, 1));
    const broken = model.graph.nodes[0]!;
    const tensor = model.graph.initializers.get(broken.inputs[input]!)!;
    const bytes = tensor.bytes.slice();
    new DataView(bytes.buffer).setFloat32(0, input === 1 ? Number.NaN : Infinity, true);
    model.graph.initializers.set(broken.inputs[input]!, { ...tensor, bytes });
    const made = await quantize({ model, scheme: SCHEME, calibration: calibrated(model) });
    expect(made.skipped).toEqual([{ node: broken.name, reason }]);
    checkModel(made.model);
  });

  test.each([
    ['NaN', { min: Number.NaN, max: Number.NaN }],
    ['infinite', { min: 0, max: Number.POSITIVE_INFINITY }],
  ])('a value whose range is %s leaves its taker in float, with its name', async (_what, range) => {
    const net = new NetBuilder(2, SHAPE);
    const value = net.relu(net.conv('input', 3, 4, 3));
    const model = net.output(net.conv(value, 4, 4, 1));
    const calibration = calibrated(model, new Map([[value, range]]));
    const made = await quantize({ model, scheme: SCHEME, calibration });
    const reason = 'calibration gave no finite range for its input';
    expect(made.skipped).toEqual([{ node: model.graph.nodes[2]!.name, reason }]);
    checkModel(made.model);
  });

  test.each([
    ['a value that is zero everywhere', 0],
    ['a value of denormal range', 1e-42],
    ['a value of enormous range', 3e38],
  ])('%s is quantized all the same', async (_what, max) => {
    const net = new NetBuilder(3, SHAPE);
    const value = net.relu(net.conv('input', 3, 4, 3));
    const model = net.output(net.conv(value, 4, 4, 1));
    const calibration = calibrated(model, new Map([[value, { min: 0, max }]]));
    const made = await quantize({ model, scheme: SCHEME, calibration });
    checkModel(made.model);
    const output = await firstOutput(made.model, randomInput(SHAPE, 1));
    expect(output.every(Number.isFinite)).toBe(true);
  });

  test('inputs whose squares overflow leave the weights as they are', async () => {
    const net = new NetBuilder(4, [1, 4]);
    const large = net.node('Mul', ['input', net.constant([], [1e30])]);
    const weights = net.weights([3, 4], 4);
    const model = net.output(net.node('Gemm', [large, weights], { transB: int(1) }));
    const range = new Map([[large, { min: -1e30, max: 1e30 }]]);
    const calibration = calibrated(model, range);
    const made = await quantize({ model, scheme: SCHEME, calibration });
    const output = await firstOutput(made.model, randomInput([1, 4], 1));
    const expected = await firstOutput(model, randomInput([1, 4], 1));
    output.forEach((value, i) => {
      expect(Math.abs(value / expected[i]! - 1)).toBeLessThan(0.2);
    });
  });
});

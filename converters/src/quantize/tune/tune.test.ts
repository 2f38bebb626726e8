import { decibels, type Tensors } from '@flotilla/model';
import { ortRuntime } from '@flotilla/model/node';
import { TARGETS } from '@flotilla/targets';
import { describe, expect, test } from 'vitest';
import { calibrate } from '../../calibrate/calibrate.ts';
import { int } from '../../ir/attributes.ts';
import type { Model } from '../../ir/graph.ts';
import { toFloats } from '../../ir/tensor.ts';
import { checkModel } from '../../passes/pass.ts';
import { runModel } from '../../testing/run-model.ts';
import { NetBuilder, randomInput, smallNet } from '../../testing/small-net.ts';
import { type Quantized, quantize } from '../quantize.ts';
import type { StaticScheme } from '../scheme.ts';

const SHAPE = [1, 3, 16, 16];
const runtime = ortRuntime();

const PLAIN: StaticScheme = {
  precision: 'int8',
  form: TARGETS['x86-64'].qdq,
  method: 'min-max',
  equalize: false,
  biasCorrection: false,
  rounding: 'nearest',
  float: [],
};

async function* inputs(shape: readonly number[], count: number): AsyncGenerator<Tensors> {
  for (let seed = 0; seed < count; seed++) yield randomInput(shape, seed);
}

async function toInt8(
  model: Model,
  settings: Partial<StaticScheme>,
  shape: readonly number[] = SHAPE,
): Promise<Quantized> {
  const samples = () => inputs(shape, 24);
  const options = { runtime, methods: ['min-max'], workers: 1 } as const;
  const statistics = await calibrate(model, samples(), options);
  const calibration = { statistics, samples, runtime };
  return await quantize({ model, scheme: { ...PLAIN, ...settings }, calibration });
}

/** Signal to noise of the first output against fp32, on samples that calibration did not see. */
async function noiseOf(fp32: Model, variant: Model, shape = SHAPE): Promise<number> {
  let [signal, noise] = [0, 0];
  for (let seed = 100; seed < 108; seed++) {
    const feeds = randomInput(shape, seed);
    const x = await outputOf(fp32, feeds);
    const y = await outputOf(variant, feeds);
    x.forEach((value, i) => {
      signal += value ** 2;
      noise += (value - y[i]!) ** 2;
    });
  }
  return decibels(signal, noise);
}

async function outputOf(model: Model, feeds: Tensors): Promise<Float32Array> {
  const [output] = Object.values((await runModel(model, feeds)).outputs);
  return output?.data as Float32Array;
}

/** Layers with few weights each, so that the rounding of weights is most of the noise. */
function coarseNet(): Model {
  const net = new NetBuilder(11, SHAPE);
  const wide = net.relu(net.conv('input', 3, 16, 3));
  const deep = net.relu(net.conv(net.relu(net.conv(wide, 16, 16, 3, 16)), 16, 16, 3, 2));
  const flat = net.node('Flatten', [net.node('GlobalAveragePool', [deep])]);
  return net.output(
    net.node('MatMul', [net.relu(net.gemm(flat, 16, 12)), net.weights([12, 8], 12)]),
  );
}

/** Seven bits and one scale for all channels: what rounding does to weights stands out. */
const COARSE = { ...PLAIN.form, perChannel: false, reduceRange: true };

describe('rounding by what the inputs are', () => {
  test('leaves less noise than rounding to the nearest', async () => {
    const model = coarseNet();
    const nearest = await toInt8(model, { form: COARSE });
    const adaptive = await toInt8(model, { form: COARSE, rounding: 'adaptive' });
    checkModel(adaptive.model);
    const before = await noiseOf(model, nearest.model);
    expect(await noiseOf(model, adaptive.model)).toBeGreaterThan(before + 1);
  });

  test('gives the same bytes each time', async () => {
    const settings = { rounding: 'adaptive', biasCorrection: true } as const;
    const [one, two] = [await toInt8(smallNet(4), settings), await toInt8(smallNet(4), settings)];
    expect(two.bytes).toEqual(one.bytes);
  });

  test('leaves convolutions alone whose kernels are too large to lay out their inputs', async () => {
    const net = new NetBuilder(3, [1, 8, 4, 4]);
    const model = net.output(net.conv('input', 8, 8, 65, 8));
    const tuned = { rounding: 'adaptive', biasCorrection: true } as const;
    const [plain, same] = [
      await toInt8(model, {}, [1, 8, 4, 4]),
      await toInt8(model, tuned, [1, 8, 4, 4]),
    ];
    expect(same.bytes).toEqual(plain.bytes);
  });

  test.each(['x86-64', 'browser-wasm', 'jetson-orin', 'tflite'] as const)(
    'holds in the form for %s',
    async (target) => {
      const model = smallNet(6);
      const { qdq: form } = TARGETS[target];
      const settings = { form, rounding: 'adaptive', biasCorrection: true } as const;
      const quantized = await toInt8(model, settings);
      checkModel(quantized.model);
      expect(await noiseOf(model, quantized.model)).toBeGreaterThan(22);
    },
  );
});

describe('bias correction', () => {
  /** A mean input far from 0 turns what rounding does to the weights into a shift. */
  function shifting(bias: boolean): Model {
    const net = new NetBuilder(5, [1, 8]);
    const far = net.node('Add', ['input', net.constant([8], new Array<number>(8).fill(20))]);
    const weights = net.weights([6, 8], 8);
    const gemm = bias ? [far, weights, net.weights([6], 60)] : [far, weights];
    return net.output(net.node('Gemm', gemm, { transB: int(1) }));
  }

  test.each([true, false])('takes the mean shift out where there is a bias: %s', async (bias) => {
    const model = shifting(bias);
    const form = COARSE;
    const plain = await toInt8(model, { form }, [1, 8]);
    const corrected = await toInt8(model, { form, biasCorrection: true }, [1, 8]);
    checkModel(corrected.model);
    const before = await noiseOf(model, plain.model, [1, 8]);
    expect(await noiseOf(model, corrected.model, [1, 8])).toBeGreaterThan(before + 3);
  });

  test('writes a float bias where the target reads it so', async () => {
    const form = TARGETS['jetson-orin'].qdq;
    const { model } = await toInt8(shifting(false), { form, biasCorrection: true }, [1, 8]);
    const gemm = model.graph.nodes.find(({ op }) => op === 'Gemm');
    const bias = model.graph.initializers.get(gemm?.inputs[2] ?? '');
    expect(bias).toMatchObject({ dtype: 'float32', dims: [6] });
    expect(toFloats(bias!).some((value) => value !== 0)).toBe(true);
  });
});

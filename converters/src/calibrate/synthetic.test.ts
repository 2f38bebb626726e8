import type { InputSpec, Tensors } from '@flotilla/model';
import { ortRuntime } from '@flotilla/model/node';
import { TARGETS } from '@flotilla/targets';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Model } from '../ir/graph.ts';
import { float32Tensor } from '../ir/tensor.ts';
import { randomNumbers } from '../random.ts';
import { runModel } from '../testing/run-model.ts';
import { NetBuilder, smallNet } from '../testing/small-net.ts';
import { calibrate } from './calibrate.ts';
import { momentsIn, tapNorms } from './synthetic/batchnorms.ts';
import { imageForms, imageTensor } from './synthetic/image-form.ts';
import { drawScene, type Plane } from './synthetic/scenes.ts';
import { synthesize } from './synthetic.ts';

const SIDE = 24;
const SIZE = { channels: 3, height: SIDE, width: SIDE };
const SPEC: InputSpec = {
  kind: 'image',
  color: 'rgb',
  resize: undefined,
  crop: undefined,
  scale: [1 / 255],
  mean: [0.5, 0.4, 0.3],
  std: [0.25],
  layout: 'nchw',
};
const INPUTS = { input: SPEC };
const INFO = { name: 'input', type: 'FP32', shape: [1, 3, SIDE, SIDE] } as const;
const runtime = ortRuntime();

/** What the model was made for: dim, reddish images of low contrast, but for a lamp in some. */
function realImages(count: number, seed: number): Tensors[] {
  const random = randomNumbers(seed);
  const [form] = imageForms(INFO, SPEC) ?? [];
  return Array.from({ length: count }, (_, i) => {
    const scene: Plane = drawScene(SIZE, random);
    const data = scene.data.map((pixel, at) => pixel * 0.3 + (at < SIDE * SIDE ? 0.3 : 0.05));
    if (i % 4 === 0) data.fill(1, 40, 60);
    return { input: imageTensor(form!, { ...SIZE, data }) };
  });
}

/** A network whose BatchNormalizations hold what its images give, as after training. */
async function trainedNet(): Promise<Model> {
  const net = new NetBuilder(5, INFO.shape);
  const norm = (input: string, channels: number): string => {
    const all = (value: number) => net.constant([channels], Array(channels).fill(value));
    return net.relu(net.node('BatchNormalization', [input, all(1), all(0), all(0), all(1)]));
  };
  const first = norm(net.conv('input', 3, 8, 3), 8);
  const second = norm(net.conv(first, 8, 16, 3), 16);
  const third = norm(net.conv(second, 16, 16, 3, 16), 16);
  const pooled = net.node('Flatten', [net.node('GlobalAveragePool', [third])]);
  const model = net.output(net.gemm(pooled, 16, 5));
  const images = realImages(24, 1);
  for (let i = 0; i < 3; i++) await settle(model, i, images);
  return model;
}

/** Sets the statistics of one norm to what the images give there. */
async function settle(model: Model, index: number, images: readonly Tensors[]): Promise<void> {
  const { model: tapped, norms } = tapNorms(model);
  const moments = await Promise.all(
    images.map(async (feeds) =>
      momentsIn((await runModel(tapped, feeds)).outputs, [norms[index]!]),
    ),
  );
  const mean = (of: 'means' | 'squares', channel: number): number =>
    moments.reduce((sum, each) => sum + each[of][channel]!, 0) / moments.length;
  const channels = [...norms[index]!.mean.keys()];
  const means = channels.map((channel) => mean('means', channel));
  const variances = channels.map((channel) => mean('squares', channel) - means[channel]! ** 2);
  const node = model.graph.nodes.filter(({ op }) => op === 'BatchNormalization')[index]!;
  model.graph.initializers.set(node.inputs[3]!, float32Tensor([channels.length], means));
  model.graph.initializers.set(node.inputs[4]!, float32Tensor([channels.length], variances));
}

/** How far ranges from made-up samples are from those of real ones, in octaves. */
async function octavesOff(model: Model, samples: readonly Tensors[]): Promise<number> {
  const ranges = async (feeds: readonly Tensors[]) => {
    async function* each() {
      yield* feeds;
    }
    const options = { runtime, methods: ['min-max'], workers: 1 } as const;
    return (await calibrate(model, each(), options)).ranges('min-max', TARGETS['x86-64'].qdq);
  };
  const real = await ranges(realImages(24, 2));
  const off = [...(await ranges(samples))].map(([name, { min, max }]) => {
    const range = real.get(name)!;
    return Math.abs(Math.log2((max - min) / (range.max - range.min)));
  });
  return off.reduce((sum, each) => sum + each, 0) / off.length;
}

describe('images for a model with BatchNormalizations', () => {
  let model: Model;
  beforeAll(async () => {
    model = await trainedNet();
  });

  test('give ranges much nearer to those of real images than noise does', async () => {
    const notes: string[] = [];
    const onNote = (note: string) => notes.push(note);
    const made = await synthesize(model, { samples: 16, seed: 1, runtime, inputs: INPUTS, onNote });
    const random = randomNumbers(9);
    const noise = made.map(({ input }) => ({
      input: { ...input!, data: new Float32Array(3 * SIDE * SIDE).map(() => random() * 2) },
    }));
    expect(notes[0]).toMatch(/images evolved until their moments at 3 BatchNormalizations/);
    expect(await octavesOff(model, made)).toBeLessThan(0.5 * (await octavesOff(model, noise)));
  });

  test('are the same for the same seed, and others for another', async () => {
    const make = (seed: number) => synthesize(model, { samples: 2, seed, runtime, inputs: INPUTS });
    expect(await make(3)).toEqual(await make(3));
    expect(await make(3)).not.toEqual(await make(4));
  });

  test('are pixels that a camera can give', async () => {
    const [feeds] = await synthesize(model, { samples: 2, seed: 1, runtime, inputs: INPUTS });
    const red = Array.from(feeds!.input!.data, Number).slice(0, SIDE * SIDE);
    for (const value of red) {
      expect(value).toBeGreaterThanOrEqual((0 - 0.5) / 0.25 - 1e-6);
      expect(value).toBeLessThanOrEqual((1 - 0.5) / 0.25 + 1e-6);
    }
  });
});

test('a model without BatchNormalization gets draws, and that is said', async () => {
  const notes: string[] = [];
  const onNote = (note: string) => notes.push(note);
  const made = await synthesize(smallNet(1), { samples: 3, seed: 1, runtime, onNote });
  expect(made).toHaveLength(3);
  expect(made[0]?.input?.shape).toEqual([1, 3, 16, 16]);
  expect(notes).toEqual([
    'samples are random draws that match nothing in the model: it has no BatchNormalization',
  ]);
});

import { describe, expect, it } from 'vitest';
import { int, ints } from '../ir/attributes.ts';
import { type Model, tensorInfo } from '../ir/graph.ts';
import { fromNumbers, toNumbers } from '../ir/tensor.ts';
import { relativeError, runModel } from '../testing/run-model.ts';
import { NetBuilder } from '../testing/small-net.ts';
import { convBatchNorm } from './conv-batchnorm.ts';
import { batchNorm } from './fixtures/index.ts';
import { runPassList } from './pass.ts';

async function fold(model: Model) {
  return (await runPassList(model, [convBatchNorm], { opset: 13 }))[0]!;
}

/** Conv or ConvTranspose followed by a normalization. */
function net(op: 'Conv' | 'ConvTranspose', group: number, bias: boolean): Model {
  const build = new NetBuilder(group, [1, 4, 6, 6]);
  const dims = op === 'Conv' ? [8, 4 / group, 3, 3] : [4, 8 / group, 3, 3];
  const inputs = ['input', build.weights(dims, 9), ...(bias ? [build.weights([8], 4)] : [])];
  const conv = build.node(op, inputs, { group: int(group), kernel_shape: ints([3, 3]) });
  return build.output(batchNorm(build, conv, 8));
}

describe('conv-batchnorm', () => {
  const cases = (['Conv', 'ConvTranspose'] as const).flatMap((op) =>
    [1, 2, 4].flatMap((group) => [true, false].map((bias) => [op, group, bias] as const)),
  );

  it.each(cases)('folds %s of %d groups, bias: %s', async (op, group, bias) => {
    const model = net(op, group, bias);
    const before = await runModel(model, 3);
    expect((await fold(model)).changed).toBe(1);
    expect(model.graph.nodes.map((node) => node.op)).toEqual([op]);
    const after = await runModel(model, before.feeds);
    expect(relativeError(before.outputs, after.outputs)).toBeLessThan(1e-5);
  });

  it('leaves weights alone that another convolution shares', async () => {
    const build = new NetBuilder(1, [1, 2, 4, 4]);
    const weight = build.weights([2, 2, 1, 1], 2);
    const first = batchNorm(build, build.node('Conv', ['input', weight]), 2);
    const model = build.output(build.node('Add', [first, build.node('Conv', ['input', weight])]));
    const before = await runModel(model, 3);
    expect((await fold(model)).changed).toBe(1);
    const after = await runModel(model, before.feeds);
    expect(relativeError(before.outputs, after.outputs)).toBeLessThan(1e-5);
  });

  it.each<[string, (model: Model) => void, RegExp]>([
    [
      'is an output too',
      (model) => model.graph.outputs.push(tensorInfo(convOutput(model), 'float32')),
      /is an output/,
    ],
    [
      'has weights from outside',
      (model) => makeInput(model, model.graph.nodes[0]!.inputs[1]!),
      /not constant/,
    ],
    [
      'meets parameters from outside',
      (model) => makeInput(model, model.graph.nodes[1]!.inputs[3]!),
      /parameters are not constant/,
    ],
    [
      'meets a normalization in training',
      (model) => {
        model.graph.nodes[1]!.attributes.set('training_mode', int(1));
      },
      /training/,
    ],
    [
      'would leave the range',
      (model) => setAll(model, model.graph.nodes[1]!.inputs[1]!, 3e38),
      /range/,
    ],
    [
      'meets parameters of another size',
      (model) =>
        model.graph.initializers.set(
          model.graph.nodes[1]!.inputs[1]!,
          fromNumbers('float32', [3], [1, 2, 3]),
        ),
      /one for each channel/,
    ],
  ])('says why it does not fold where the convolution %s', async (_, spoil, reason) => {
    const model = net('Conv', 1, true);
    spoil(model);
    const { changed, declined } = await fold(model);
    expect(changed).toBe(0);
    expect(declined).toEqual([expect.stringMatching(reason)]);
  });
});

function convOutput(model: Model): string {
  return model.graph.nodes[0]!.outputs[0]!;
}

function makeInput(model: Model, name: string): void {
  const value = model.graph.initializers.get(name)!;
  model.graph.initializers.delete(name);
  model.graph.inputs.push(tensorInfo(name, value.dtype, value.dims));
}

function setAll(model: Model, name: string, value: number): void {
  const old = model.graph.initializers.get(name)!;
  model.graph.initializers.set(name, fromNumbers('float32', old.dims, toNumbers(old).fill(value)));
}

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { int, ints, tensor } from '../ir/attributes.ts';
import type { Model } from '../ir/graph.ts';
import { int64Tensor } from '../ir/tensor.ts';
import { relativeError, runModel } from '../testing/run-model.ts';
import { NetBuilder } from '../testing/small-net.ts';
import { batchNorm } from './fixtures/index.ts';
import { runPasses } from './index.ts';

const CHANNELS = 4;

/** A step of a random network; each keeps the shape [1, 4, 6, 6]. */
type Step = (net: NetBuilder, input: string, earlier: string) => string;

const STEPS: Readonly<Record<string, Step>> = {
  conv: (net, input) => net.conv(input, CHANNELS, CHANNELS, 3),
  depthwise: (net, input) => net.conv(input, CHANNELS, CHANNELS, 3, CHANNELS),
  normalize: (net, input) => batchNorm(net, input, CHANNELS),
  convNormalize: (net, input) => batchNorm(net, net.conv(input, CHANNELS, CHANNELS, 1), CHANNELS),
  relu: (net, input) => net.relu(input),
  identity: (net, input) => net.node('Identity', [input]),
  dropout: (net, input) => net.node('Dropout', [input]),
  add: (net, input, earlier) => net.node('Add', [input, earlier]),
  doubleTranspose: (net, input) => {
    const back = net.node('Transpose', [input], { perm: ints([0, 2, 3, 1]) });
    return net.node('Transpose', [back], { perm: ints([0, 3, 1, 2]) });
  },
  softmax: (net, input) => net.node('Softmax', [input], { axis: int(2) }),
  reshapeByShape: (net, input) => {
    const shape = net.node('Shape', [input]);
    const flat = net.node('Flatten', [input], { axis: int(2) });
    return net.node('Reshape', [flat, shape]);
  },
  constantArithmetic: (net, input) => {
    const sum = net.node('Add', [net.constant([1], [0.5]), net.constant([4, 1, 1], [1, 2, 3, 4])]);
    return net.node('Mul', [input, net.node('Sqrt', [sum])]);
  },
  castAndBack: (net, input) =>
    net.node('Cast', [net.node('Cast', [input], { to: int(11) })], { to: int(1) }),
  channelsLast: (net, input) => {
    const last = net.node('Transpose', [input], { perm: ints([0, 2, 3, 1]) });
    const scaled = net.relu(net.node('Mul', [last, net.weights([CHANNELS], 6)]));
    return net.node('Transpose', [scaled], { perm: ints([0, 3, 1, 2]) });
  },
  clipped: (net, input) => net.relu(net.node('Min', [net.relu(input), net.constant([], [0.8])])),
  constantsAround: (net, input) => {
    const scaled = net.node('Mul', [input, net.weights([CHANNELS, 1, 1], 6)]);
    const conv = net.conv(scaled, CHANNELS, CHANNELS, 1);
    return net.node('Sub', [conv, net.weights([1, CHANNELS, 1, 1], 6)]);
  },
  hardSwish: (net, input) => {
    const sum = net.node('Add', [input, net.constant([], [3])]);
    const bounded = net.node('Max', [
      net.node('Min', [sum, net.constant([], [6])]),
      net.constant([], [0]),
    ]);
    return net.node('Div', [net.node('Mul', [input, bounded]), net.constant([], [6])]);
  },
  normalizeBefore: (net, input) => net.conv(batchNorm(net, input, CHANNELS), CHANNELS, CHANNELS, 1),
  poolBeforeRelu: (net, input) =>
    net.relu(
      net.node('MaxPool', [net.conv(input, CHANNELS, CHANNELS, 1)], {
        kernel_shape: ints([3, 3]),
        pads: ints([1, 1, 1, 1]),
      }),
    ),
  reshapes: (net, input) => net.reshape(net.reshape(input, [CHANNELS, -1]), [1, CHANNELS, 6, 6]),
  sameTwice: (net, input) =>
    net.node('Add', [net.node('Tanh', [input]), net.node('Tanh', [input])]),
  gatherAll: (net, input) => {
    const all = net.node('Constant', [], { value: tensor(int64Tensor([4], [0, 1, 2, 3])) });
    return net.node('Gather', [input, all], { axis: int(1) });
  },
};

function build(seed: number, opset: number, names: readonly string[]): Model {
  const net = new NetBuilder(seed, [1, CHANNELS, 6, 6], opset);
  const values = ['input'];
  for (const [i, name] of names.entries()) {
    const earlier = values[(seed + i) % values.length]!;
    values.push(STEPS[name]!(net, values.at(-1)!, earlier));
  }
  const branch = values[seed % values.length]!;
  if (branch !== 'input' && branch !== values.at(-1)) net.output(branch);
  return net.output(values.at(-1)!);
}

it('passes change no result of a random network', async () => {
  const names = fc.array(fc.constantFrom(...Object.keys(STEPS)), { minLength: 1, maxLength: 10 });
  const opset = fc.constantFrom(8, 9, 10, 11, 12, 13, 15, 17, 20);
  const property = fc.asyncProperty(fc.nat(1000), opset, names, async (seed, version, steps) => {
    const model = build(seed, version, steps);
    const before = await runModel(model, seed);
    await runPasses(model);
    const after = await runModel(model, before.feeds);
    expect(relativeError(before.outputs, after.outputs)).toBeLessThan(1e-4);
  });
  await fc.assert(property, { numRuns: process.env.FLOTILLA_LONG ? 1000 : 60 });
});

import { expect, test } from 'vitest';
import { int, ints } from '../ir/attributes.ts';
import type { Model } from '../ir/graph.ts';
import { toFloats } from '../ir/tensor.ts';
import { relativeError, runModel } from '../testing/run-model.ts';
import { NetBuilder, randomInput } from '../testing/small-net.ts';
import { equalizeLayers } from './equalize.ts';

const SHAPE = [1, 3, 8, 8];

/** Multiplies each output channel of the first layer by another power of two, which batch normalization does too. */
function unequal(model: Model, node: string): Model {
  const { graph } = model;
  const found = graph.nodes.find(({ name }) => name === node)!;
  for (const name of found.inputs.slice(1)) {
    const tensor = graph.initializers.get(name)!;
    const data = toFloats(tensor);
    const inner = data.length / tensor.dims[0]!;
    data.forEach((_, i) => {
      data[i]! *= 2 ** ((Math.floor(i / inner) % 5) - 2);
    });
  }
  return model;
}

async function sameOutputs(model: Model, equalized: Model, shape = SHAPE): Promise<number> {
  const feeds = randomInput(shape, 5);
  const expected = await runModel(model, feeds);
  return relativeError(expected.outputs, (await runModel(equalized, feeds)).outputs);
}

function largestByChannel(model: Model, weight: string): number[] {
  const tensor = model.graph.initializers.get(weight)!;
  const data = toFloats(tensor);
  const [outputs = 1] = tensor.dims;
  const inner = data.length / outputs;
  return Array.from({ length: outputs }, (_, i) =>
    Math.max(...data.subarray(i * inner, (i + 1) * inner).map(Math.abs)),
  );
}

function chain(activation: (net: NetBuilder, value: string) => string): Model {
  const net = new NetBuilder(3, SHAPE);
  const wide = activation(net, net.conv('input', 3, 8, 3));
  const deep = activation(net, net.conv(wide, 8, 8, 3, 8));
  const model = net.output(net.conv(deep, 8, 4, 1));
  return unequal(model, model.graph.nodes.find(({ op }) => op === 'Conv')!.name);
}

test('a convolution, a depthwise and a pointwise one reach equally far in each channel', async () => {
  const model = chain((net, value) => net.relu(value));
  const result = equalizeLayers(model);
  expect(result).toMatchObject({ changed: 2, declined: [] });
  expect(await sameOutputs(model, result.model)).toBeLessThan(1e-5);
  const [first, second] = result.model.graph.nodes.filter(({ op }) => op === 'Conv');
  const made = largestByChannel(result.model, first!.inputs[1]!);
  const taken = largestByChannel(result.model, second!.inputs[1]!);
  for (const [channel, largest] of made.entries()) {
    expect(largest / taken[channel]!).toBeCloseTo(1, 2);
  }
});

test('a Relu6 cuts all channels at one bound: the pair is declined by name', () => {
  const model = chain((net, value) => net.relu6(value));
  const result = equalizeLayers(model);
  expect(result.changed).toBe(0);
  expect(result.declined).toEqual([
    expect.stringMatching(/^node_conv_\d+: a Clip cuts all its channels at one bound$/),
    expect.stringMatching(/^node_conv_\d+: a Clip cuts all its channels at one bound$/),
  ]);
});

test('channels are followed through pools and into the rows of a Gemm', async () => {
  const net = new NetBuilder(4, SHAPE);
  const features = net.relu(net.conv('input', 3, 6, 3));
  const pool = { kernel_shape: ints([2, 2]), strides: ints([2, 2]) };
  const pooled = net.node('MaxPool', [features], pool);
  const hidden = net.relu(net.gemm(net.node('Flatten', [pooled]), 6 * 16, 12));
  const weights = net.weights([12, 5], 12);
  const model = net.output(net.node('MatMul', [hidden, weights]));
  unequal(model, model.graph.nodes[0]!.name);
  const result = equalizeLayers(model);
  expect(result).toMatchObject({ changed: 2, declined: [] });
  expect(await sameOutputs(model, result.model)).toBeLessThan(1e-5);
});

test('groups scale the channels that they take', async () => {
  const net = new NetBuilder(6, SHAPE);
  const grouped = net.conv(net.relu(net.conv('input', 3, 8, 1)), 8, 6, 3, 2);
  const model = net.output(net.conv(net.relu(grouped), 6, 6, 1, 3));
  const result = equalizeLayers(model);
  expect(result.changed).toBe(2);
  expect(await sameOutputs(model, result.model)).toBeLessThan(1e-5);
});

test('what several nodes take, and weights that several use, stay as they are', () => {
  const net = new NetBuilder(7, SHAPE);
  const x = net.relu(net.conv('input', 3, 4, 1));
  const shared = net.weights([4, 4, 1, 1], 4);
  const y = net.node('Conv', [net.node('Conv', [x, shared]), shared]);
  const model = net.output(net.node('Add', [y, net.conv(x, 4, 4, 1)]));
  const result = equalizeLayers(model);
  expect(result.changed).toBe(0);
  expect(result.declined).toEqual([expect.stringMatching(/: other nodes use the same weights$/)]);
});

test('channels of zeros, infinite and tiny weights do no harm', async () => {
  const net = new NetBuilder(8, [1, 4]);
  const first = net.constant([4, 4], [0, 0, 0, 0, 1e-30, 0, 0, 0, 1, 2, 3, 4, 9, 9, 9, 9]);
  const bias = net.constant([4], [1, 5, 0, -1]);
  const hidden = net.relu(net.node('Gemm', ['input', first, bias], { transB: int(1) }));
  const model = net.output(net.gemm(hidden, 4, 3));
  const result = equalizeLayers(model);
  expect(await sameOutputs(model, result.model, [1, 4])).toBeLessThan(1e-5);
  for (const tensor of result.model.graph.initializers.values()) {
    expect(toFloats(tensor).every(Number.isFinite)).toBe(true);
  }
});

test('the model given is not changed', () => {
  const model = chain((net, value) => net.relu(value));
  const before = [...model.graph.initializers.values()].map(({ bytes }) => bytes.slice());
  equalizeLayers(model);
  expect([...model.graph.initializers.values()].map(({ bytes }) => bytes)).toEqual(before);
});

test('a Gemm that also adds what it multiplies stays as it is', async () => {
  const net = new NetBuilder(9, [2, 8]);
  const hidden = net.relu(net.gemm('input', 8, 8));
  const model = net.output(net.node('Gemm', [hidden, net.weights([8, 8], 8), hidden]));
  const result = equalizeLayers(model);
  expect(result.changed).toBe(0);
  expect(await sameOutputs(model, result.model, [2, 8])).toBe(0);
});

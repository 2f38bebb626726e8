import { describe, expect, it } from 'vitest';
import { int, string } from '../ir/attributes.ts';
import { type Model, makeGraph, makeNode, tensorInfo } from '../ir/graph.ts';
import { float32Tensor, toNumbers } from '../ir/tensor.ts';
import { graphFault } from '../ir/validate.ts';
import { relativeError, runModel } from '../testing/run-model.ts';
import { NetBuilder, randomNumbers } from '../testing/small-net.ts';
import { quantizeDynamic } from './dynamic.ts';

const SCHEME = { precision: 'int8-dynamic', float: [] } as const;

async function compare(model: Model, scheme: Parameters<typeof quantizeDynamic>[1] = SCHEME) {
  const quantized = await quantizeDynamic(model, scheme);
  expect(graphFault(quantized.model.graph)).toBeUndefined();
  const before = await runModel(model, 4);
  const after = await runModel(quantized.model, before.feeds);
  return { ...quantized, error: relativeError(before.outputs, after.outputs) };
}

function opsOf({ graph }: Model): string[] {
  return graph.nodes.map((node) => node.op);
}

function numbers(dims: readonly number[], seed: number, gain: number) {
  const random = randomNumbers(seed);
  const count = dims.reduce((a, b) => a * b, 1);
  return float32Tensor(
    dims,
    Array.from({ length: count }, () => random() * gain),
  );
}

/** An LSTM over five steps of four numbers, with its initial state from the model's input. */
function lstmNet(directions: 1 | 2): { net: NetBuilder; output: string } {
  const net = new NetBuilder(1, [5, 1, 4]);
  const { initializers } = net.model.graph;
  initializers.set('W', numbers([directions, 12, 4], 1, 0.6));
  initializers.set('R', numbers([directions, 12, 3], 2, 0.6));
  initializers.set('B', numbers([directions, 24], 3, 0.1));
  const direction = string(directions === 2 ? 'bidirectional' : 'forward');
  const output = net.node('LSTM', ['input', 'W', 'R', 'B'], { direction, hidden_size: int(3) });
  return { net, output };
}

describe('quantizeDynamic', () => {
  it('multiplies in integers, quantizing once what two products take', async () => {
    const net = new NetBuilder(1, [2, 8]);
    const left = net.gemm('input', 8, 6);
    const right = net.node('MatMul', ['input', net.weights([8, 6], 8)]);
    const model = net.output(net.gemm(net.relu(net.node('Add', [left, right])), 6, 3));
    const { error, model: made, integerNodes, renamed } = await compare(model);
    expect(error).toBeLessThan(0.03);
    expect(error).toBeGreaterThan(0);
    expect(integerNodes).toBe(3);
    const ops = opsOf(made);
    expect(ops.filter((op) => op === 'DynamicQuantizeLinear')).toHaveLength(2);
    expect(ops).not.toContain('Gemm');
    expect([...made.graph.initializers.values()].map(({ dtype }) => dtype)).toContain('int8');
    expect(renamed.get(right)).toBe(right);
  });

  it('keeps a scale for each column', async () => {
    const net = new NetBuilder(1, [1, 2]);
    const weight = net.constant([2, 2], [1000, 0.001, -500, 0.002]);
    const model = net.output(net.node('MatMul', ['input', weight]));
    const { model: made } = await compare(model);
    const scale = made.graph.initializers.get(`${weight}_scale`)!;
    expect([...toNumbers(scale)].map((value) => value * 127)).toEqual([
      expect.closeTo(1000, 3),
      expect.closeTo(0.002, 8),
    ]);
  });

  it('quantizes a weight once, and a second time where a Gemm turns it', async () => {
    const net = new NetBuilder(1, [1, 4]);
    const weight = net.weights([4, 4], 4);
    const first = net.node('MatMul', ['input', weight]);
    const second = net.node('Gemm', [first, weight], { transB: int(1) });
    const { model, error } = await compare(net.output(net.node('MatMul', [second, weight])));
    expect(error).toBeLessThan(0.05);
    const weights = [...model.graph.initializers.values()].filter(({ dtype }) => dtype === 'int8');
    expect(weights).toHaveLength(2);
  });

  it('leaves in float what it is told to, and says why it leaves others', async () => {
    const net = new NetBuilder(1, [1, 4]);
    const kept = net.node('MatMul', ['input', net.weights([4, 4], 4)]);
    const square = net.node('MatMul', [net.reshape(kept, [4, 1]), kept]);
    const model = net.output(net.node('MatMul', [square, net.weights([4, 2], 4)]));
    const float = [`node_${kept}`];
    const { skipped, integerNodes } = await compare(model, { ...SCHEME, float });
    expect(integerNodes).toBe(1);
    expect(skipped).toEqual([{ node: `node_${square}`, reason: 'no constant weights' }]);
  });

  it.each([1, 2] as const)('gives an LSTM of %i direction(s) int8 weights', async (directions) => {
    const { net, output } = lstmNet(directions);
    const { model, error, integerNodes } = await compare(net.output(output));
    expect(error).toBeLessThan(0.03);
    expect(integerNodes).toBe(1);
    expect(opsOf(model)).toEqual(['DynamicQuantizeLSTM']);
    expect(model.opsets.get('com.microsoft')).toBe(1);
    expect(model.graph.initializers.get('W_scale')?.dims).toEqual([directions]);
  });

  it('gives each column of an LSTM its scale where a large weight would drown the others', async () => {
    const { net, output } = lstmNet(1);
    const weights = [40, ...Array<number>(47).fill(0.05)];
    net.model.graph.initializers.set('W', float32Tensor([1, 12, 4], weights));
    const { model, error } = await compare(net.output(output));
    expect(error).toBeLessThan(0.03);
    expect(model.graph.initializers.get('W_scale')?.dims).toEqual([1, 12]);
  });

  it('rewrites branches, and takes their weights from the graph around them', async () => {
    const net = new NetBuilder(5, [2, 3]);
    const weight = net.weights([3, 3], 3);
    const branch = (name: string, op: string) => {
      const graph = makeGraph(name, [], [tensorInfo(`${name}_out`, 'float32', [2, 3])]);
      const product = makeNode('MatMul', 'product', ['input', weight], ['made']);
      graph.nodes.push(product, makeNode(op, 'o', ['made'], [`${name}_out`]));
      return { kind: 'graph', value: graph } as const;
    };
    const total = net.node('ReduceMax', ['input'], { keepdims: int(0) });
    const positive = net.node('Greater', [total, net.constant([], [0])]);
    const branches = { then_branch: branch('yes', 'Relu'), else_branch: branch('no', 'Neg') };
    const model = net.output(net.node('If', [positive], branches));
    const { error, integerNodes, model: made } = await compare(model);
    expect(error).toBeLessThan(0.03);
    expect(integerNodes).toBe(2);
    expect([...made.graph.initializers.keys()]).not.toContain(weight);
  });

  it('refuses a model without products, naming the first that cannot be rewritten', async () => {
    const net = new NetBuilder(1, [1, 3, 8, 8]);
    const square = net.node('MatMul', ['input', 'input']);
    const model = net.output(net.conv(square, 3, 4, 3));
    await expect(quantizeDynamic(model, SCHEME)).rejects.toThrow(
      `int8-dynamic: no MatMul, Gemm or LSTM can run in integers: node_${square}: no constant weights`,
    );
  });
});

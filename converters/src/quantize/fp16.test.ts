import type { Tensors } from '@flotilla/model';
import { describe, expect, it } from 'vitest';
import { float, floats, int, ints, string } from '../ir/attributes.ts';
import { DATA_TYPES } from '../ir/dtype.ts';
import { allGraphs } from '../ir/edit.ts';
import { type Graph, type Model, makeGraph, makeNode, tensorInfo } from '../ir/graph.ts';
import { printModel } from '../ir/print.ts';
import { float32Tensor, int64Tensor, toNumbers } from '../ir/tensor.ts';
import { graphFault } from '../ir/validate.ts';
import { runPasses } from '../passes/index.ts';
import { relativeError, runModel } from '../testing/run-model.ts';
import { NetBuilder, smallNet } from '../testing/small-net.ts';
import { toFloat16 } from './fp16.ts';
import { toHalfTensor } from './half-tensor.ts';

/** Runs a model in both precisions on the same feeds. */
async function compare(model: Model, options?: Parameters<typeof toFloat16>[1], feeds?: Tensors) {
  const converted = toFloat16(model, options);
  expect(graphFault(converted.model.graph)).toBeUndefined();
  const before = await runModel(model, feeds ?? 4);
  const after = await runModel(converted.model, before.feeds);
  return { ...converted, error: relativeError(before.outputs, after.outputs) };
}

function typesOf(graph: Graph): Set<string> {
  return new Set([...graph.initializers.values()].map((value) => value.dtype));
}

describe('toFloat16', () => {
  it.each([1, 2, 3])('gives nearly the results of float32, network %d', async (seed) => {
    const model = smallNet(seed);
    const text = printModel(model);
    const { model: half, error, warnings } = await compare(model);
    expect(error).toBeLessThan(1e-2);
    expect(error).toBeGreaterThan(0);
    expect(warnings).toEqual([]);
    expect(typesOf(half.graph)).toEqual(new Set(['float16']));
    expect(printModel(model)).toBe(text);
  });

  it('keeps the names and types of inputs and outputs', () => {
    const model = smallNet(1);
    const { graph } = toFloat16(model).model;
    expect([graph.inputs, graph.outputs]).toEqual([model.graph.inputs, model.graph.outputs]);
    expect(graph.nodes.filter((node) => node.op === 'Cast')).toHaveLength(2);
  });

  it('changes inputs and outputs too where that is asked for', () => {
    const { graph } = toFloat16(smallNet(1), { keepIo: false }).model;
    const types = [...graph.inputs, ...graph.outputs].map(
      ({ type }) => type?.kind === 'tensor' && type.dtype,
    );
    expect(types).toEqual(['float16', 'float16']);
    expect(graph.nodes.some((node) => node.op === 'Cast')).toBe(false);
  });

  it('keeps operators in float32 on request, with no cast between two of them', async () => {
    const blockOps = ['Conv', 'Relu', 'Clip'];
    const { model: mixed, skipped, error } = await compare(smallNet(2), { blockOps });
    expect(error).toBeLessThan(1e-2);
    expect(skipped.length).toBe(mixed.graph.nodes.filter((n) => blockOps.includes(n.op)).length);
    const makers = new Map(mixed.graph.nodes.map((node) => [node.outputs[0], node.op]));
    for (const node of mixed.graph.nodes.filter((each) => each.op === 'Relu')) {
      if (makers.get(node.inputs[0]) === 'Cast') {
        const cast = mixed.graph.nodes.find((each) => each.outputs[0] === node.inputs[0])!;
        expect(blockOps).not.toContain(makers.get(cast.inputs[0]));
      }
    }
  });

  it('shares a constant between operators of both precisions', async () => {
    const net = new NetBuilder(1, [1, 4]);
    const weight = net.weights([4, 4], 4);
    const first = net.node('MatMul', ['input', weight]);
    const model = net.output(net.node('Gemm', [first, weight]));
    const { model: mixed, error } = await compare(model, { blockOps: ['Gemm'] });
    expect(error).toBeLessThan(1e-2);
    expect(typesOf(mixed.graph)).toEqual(new Set(['float16', 'float32']));
  });

  it('lets a float32 operator make an output, and an input be one', async () => {
    const net = new NetBuilder(1, [1, 4]);
    const relu = net.relu('input');
    net.output(net.node('Sigmoid', [relu]));
    const model = net.output(net.node('Tanh', [net.model.graph.outputs[0]!.name]));
    const { error, model: mixed } = await compare(model, { blockOps: ['Sigmoid'] });
    expect(error).toBeLessThan(1e-2);
    expect(mixed.graph.outputs).toEqual(model.graph.outputs);
  });

  it('keeps the type of a constant that is an output, and gives others its float16 form', async () => {
    const net = new NetBuilder(1, [1, 4]);
    const constant = net.constant([4], [1, 2, 3, 1.0001]);
    net.output(net.relu(net.node('Add', ['input', constant])));
    net.model.graph.outputs.push(tensorInfo(constant, 'float32', [4]));
    const { model: half } = await compare(net.model);
    const { outputs } = await runModel(half, 4);
    expect(outputs[constant]?.data).toEqual(Float32Array.of(1, 2, 3, 1.0001));
    expect(typesOf(half.graph)).toEqual(new Set(['float32', 'float16']));
  });

  it('counts shapes in float32, however large', async () => {
    const net = new NetBuilder(1, [1, 4099]);
    const shape = net.node('Cast', [net.node('Shape', ['input'])], { to: int(1) });
    const doubled = net.node('Mul', [shape, net.constant([2], [1, 1])]);
    const wanted = net.node('Cast', [doubled], { to: int(DATA_TYPES.int64.code) });
    const model = net.output(net.node('Reshape', ['input', wanted]));
    const { error } = await compare(model);
    expect(error).toBeLessThan(1e-3);
  });

  it('counts shapes in float32 that only a branch takes', async () => {
    const net = new NetBuilder(1, [1, 4099]);
    const shape = net.node('Cast', [net.node('Shape', ['input'])], { to: int(1) });
    const doubled = net.node('Mul', [shape, net.constant([2], [1, 1])]);
    const branch = makeGraph('branch', [], [tensorInfo('out', 'float32', [1, 4099])]);
    const to = [['to', int(DATA_TYPES.int64.code)]] as const;
    branch.nodes.push(
      makeNode('Cast', 'whole', [doubled], ['wanted'], to),
      makeNode('Reshape', 'reshape', ['input', 'wanted'], ['out']),
    );
    const body = { kind: 'graph', value: branch } as const;
    const some = net.node('Cast', [net.node('Size', ['input'])], {
      to: int(DATA_TYPES.bool.code),
    });
    const model = net.output(net.node('If', [some], { then_branch: body, else_branch: body }));
    expect((await compare(model)).error).toBeLessThan(1e-3);
  });

  it('gives Resize its scales in float32', async () => {
    const net = new NetBuilder(1, [1, 2, 4, 4]);
    const scales = net.constant([4], [1, 1, 1.7, 2.3]);
    const model = net.output(
      net.node('Resize', [net.relu('input'), '', scales], { mode: string('linear') }),
    );
    expect((await compare(model)).error).toBeLessThan(1e-2);
  });

  it('puts casts around operators without float16', async () => {
    const net = new NetBuilder(1, [3, 4]);
    const sums = net.node('CumSum', [net.relu('input'), net.constant([], [0])]);
    net.model.graph.initializers.set('axis', int64Tensor([], [1]));
    net.model.graph.nodes.at(-1)!.inputs[1] = 'axis';
    const celu = net.node('Celu', [sums], { alpha: float(0.5) });
    const { error, skipped } = await compare(net.output(net.relu(celu)));
    expect(error).toBeLessThan(1e-2);
    expect(skipped).toHaveLength(2);
  });

  it('converts the graphs within a graph, and what they capture', async () => {
    const net = new NetBuilder(5, [2, 3]);
    const weight = net.weights([3], 3);
    const branch = (name: string, op: string) => {
      const graph = makeGraph(name, [], [tensorInfo(`${name}_out`, 'float32', [2, 3])]);
      graph.initializers.set('own', float32Tensor([3], [1, 2, 3]));
      graph.nodes.push(
        makeNode('Mul', 'm', ['input', weight], ['scaled']),
        makeNode(op, 'o', ['scaled'], ['made']),
        makeNode('Add', 'a', ['made', 'own'], [`${name}_out`]),
      );
      return { kind: 'graph', value: graph } as const;
    };
    const total = net.node('ReduceMax', ['input'], { keepdims: int(0) });
    const positive = net.node('Greater', [total, net.constant([], [0])]);
    const attributes = { then_branch: branch('yes', 'Celu'), else_branch: branch('no', 'Relu') };
    const model = net.output(net.relu(net.node('If', [positive], attributes)));
    for (const sign of [1, -1]) {
      const data = Float32Array.from({ length: 6 }, (_, i) => sign * (i + 1));
      const feeds: Tensors = { input: { type: 'FP32', shape: [2, 3], data } };
      const { error, model: half } = await compare(model, {}, feeds);
      expect(error).toBeLessThan(1e-2);
      for (const graph of allGraphs(half.graph)) expect(typesOf(graph)).not.toContain('float32');
    }
  });

  it('keeps nodes in float32 by name, and all of a branch by the name of what holds it', async () => {
    const net = new NetBuilder(2, [1, 4]);
    const [first, second] = [net.gemm('input', 4, 4), net.gemm('input', 4, 4)];
    const model = net.output(net.node('Mul', [net.relu(first), second]));
    const { error, skipped, model: mixed } = await compare(model, { float: [`node_${second}`] });
    expect(error).toBeLessThan(1e-2);
    expect(skipped).toEqual([{ node: `node_${second}`, reason: 'by choice' }]);
    expect(typesOf(mixed.graph)).toEqual(new Set(['float16', 'float32']));
  });

  it('keeps a node in float32 whose weights float16 does not hold', async () => {
    const net = new NetBuilder(2, [1, 2]);
    const large = net.node('MatMul', ['input', net.constant([2, 2], [1e5, 2e5, 3e5, 4e5])]);
    const small = net.node('MatMul', [large, net.constant([2, 2], [1e-7, 2e-7, -1e-7, 3e-7])]);
    const model = net.output(net.relu(small));
    const { error, skipped, warnings } = await compare(model);
    expect(error).toBeLessThan(1e-2);
    expect(skipped.map(({ reason }) => reason)).toEqual([
      'float16 does not hold "constant_0"',
      'float16 does not hold "constant_2"',
    ]);
    expect(warnings).toEqual([]);
  });

  it('keeps nodes in float32 whose values samples brought near the end of float16', async () => {
    const net = new NetBuilder(2, [1, 2]);
    const square = net.node('Mul', ['input', 'input']);
    const model = net.output(net.node('Sqrt', [square]));
    const feeds: Tensors = {
      input: { type: 'FP32', shape: [1, 2], data: Float32Array.of(1000, 3) },
    };
    const ranges = new Map([[square, { min: 9, max: 1e6 }]]);
    const { error, skipped } = await compare(model, { ranges }, feeds);
    expect(error).toBeLessThan(1e-2);
    expect(skipped[0]?.reason).toBe(
      `"${square}" reaches 1.00e+6, near the end of float16 or beyond it`,
    );
    expect(skipped).toHaveLength(2);
  });

  it('leaves sequences in float32', async () => {
    const net = new NetBuilder(2, [2, 3]);
    const made = net.node('SequenceConstruct', [net.relu('input'), net.node('Neg', ['input'])]);
    net.model.graph.initializers.set('second', int64Tensor([], [1]));
    const taken = net.node('SequenceAt', [made, 'second']);
    const model = net.output(net.node('Add', [taken, net.constant([], [1])]));
    const { error, skipped } = await compare(model);
    expect(error).toBeLessThan(1e-2);
    expect(skipped.map(({ reason }) => reason)).toContain(`"${made}" is no tensor of a known type`);
  });

  it('converts constants that are written as numbers', async () => {
    const net = new NetBuilder(2, [2]);
    const one = net.node('Constant', [], { value_float: float(0.5) });
    const many = net.node('Constant', [], { value_floats: floats([1, 2]) });
    const model = net.output(net.node('Mul', [net.node('Add', ['input', one]), many]));
    expect((await compare(model)).error).toBeLessThan(1e-2);
  });

  it('says which constants left the range of float16', () => {
    const net = new NetBuilder(1, [2]);
    const model = net.output(net.node('Add', ['input', net.constant([2], [1e6, -3.4e38])]));
    const { warnings, model: half } = toFloat16(model);
    expect(warnings).toEqual([expect.stringMatching(/2 numbers in "constant_0" beyond ±65504/)]);
    expect([...toNumbers(half.graph.initializers.get('constant_0')!)]).toEqual([65504, -65504]);
  });

  it('works on what the passes leave of an older model', async () => {
    const net = new NetBuilder(6, [1, 3, 8, 8], 9);
    const clipped = net.node('Clip', [net.conv('input', 3, 4, 3)], {
      min: float(0),
      max: float(6),
    });
    const pooled = net.node('AveragePool', [clipped], { kernel_shape: ints([2, 2]) });
    const model = net.output(net.node('Softmax', [pooled], { axis: int(1) }));
    await runPasses(model);
    expect((await compare(model)).error).toBeLessThan(1e-2);
  });
});

describe('toHalfTensor', () => {
  it.each([
    [
      [1.1, 2 ** -24, 2 ** -26, Number.NEGATIVE_INFINITY],
      [1.099609375, 2 ** -24, 0, Number.NEGATIVE_INFINITY],
      0,
    ],
    [[70000, -65520, 65519], [65504, -65504, 65504], 3],
    [[1e-12], [2 ** -24], 0],
    [[0], [0], 0],
  ])('%j becomes %j', (values, expected, clamped) => {
    const half = toHalfTensor(float32Tensor([values.length], values));
    expect([...toNumbers(half.tensor)]).toEqual(expected);
    expect(half.clamped).toBe(clamped);
  });
});

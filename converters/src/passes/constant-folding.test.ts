import { describe, expect, it } from 'vitest';
import { float, int, ints, string, tensor } from '../ir/attributes.ts';
import { DATA_TYPES } from '../ir/dtype.ts';
import { constantBytes } from '../ir/edit.ts';
import { type Model, makeGraph, makeNode, tensorInfo } from '../ir/graph.ts';
import { float32Tensor, int64Tensor, makeTensor, toNumbers } from '../ir/tensor.ts';
import { relativeError, runModel } from '../testing/run-model.ts';
import { NetBuilder } from '../testing/small-net.ts';
import { constantFolding } from './constant-folding.ts';
import { runPasses } from './index.ts';
import { runPassList } from './pass.ts';

const opsOf = ({ graph }: Model) => graph.nodes.map((node) => node.op);

async function fold(model: Model) {
  const [report] = await runPassList(model, [constantFolding], { opset: 13 });
  return report!;
}

/** A model whose input is [1, 2, 4] and is added to a constant computation that makes `value`. */
function added(build: (net: NetBuilder) => string, opset = 13): Model {
  const net = new NetBuilder(7, [1, 2, 4], opset);
  return net.output(net.node('Add', ['input', build(net)]));
}

const scalar = (net: NetBuilder, value: string) =>
  net.node('ReduceSum', [value], { keepdims: int(0) });

describe('by ONNX Runtime', () => {
  const cases: Readonly<Record<string, (net: NetBuilder) => string>> = {
    'functions that have no exact value': (net) =>
      net.node('Exp', [net.node('Tanh', [net.constant([4], [0.1, 0.2, 0.3, 0.4])])]),
    'a convolution of constants': (net) =>
      scalar(net, net.conv(net.weights([1, 2, 5, 5], 4), 2, 3, 3)),
    'a picture made larger': (net) => {
      const scales = net.constant([4], [1, 1, 2, 2]);
      const resized = net.node('Resize', [net.weights([1, 1, 3, 3], 1), '', scales], {
        mode: string('linear'),
      });
      return scalar(net, resized);
    },
    'softmax over a product': (net) =>
      scalar(
        net,
        net.node('Softmax', [net.node('MatMul', [net.weights([3, 4], 4), net.weights([4, 2], 4)])]),
      ),
  };

  it.each(Object.entries(cases))('folds %s', async (_, build) => {
    const model = added(build);
    const before = await runModel(model, 1);
    const { changed, did } = await fold(model);
    expect(opsOf(model)).toEqual(['Add']);
    expect(changed).toBe(did.length);
    expect(did.join()).toContain('by ONNX Runtime');
    const after = await runModel(model, before.feeds);
    expect(relativeError(before.outputs, after.outputs)).toBeLessThan(1e-6);
  });

  it('takes each output that something needs', async () => {
    const net = new NetBuilder(3, [2]);
    net.model.graph.nodes.push(
      makeNode('Split', 'split', [net.constant([6], [1, 2, 3, 4, 5, 6])], ['a', 'b', 'c']),
    );
    const model = net.output(net.node('Add', [net.node('Add', ['input', 'a']), 'c']));
    await fold(model);
    expect(opsOf(model)).toEqual(['Add', 'Add']);
    expect(toNumbers(model.graph.initializers.get('c')!)).toEqual(Float64Array.of(5, 6));
    expect(model.graph.initializers.has('b')).toBe(false);
  });

  it('folds within branches, which may share names', async () => {
    const branch = (name: string, value: number) => {
      const graph = makeGraph(name, [], [tensorInfo(`${name}_out`, 'float32')]);
      graph.initializers.set('c', float32Tensor([1], [value]));
      graph.nodes.push(
        makeNode('Exp', 'exp', ['c'], ['e']),
        makeNode('Add', 'add', ['input', 'e'], [`${name}_out`]),
      );
      return { kind: 'graph', value: graph } as const;
    };
    const net = new NetBuilder(1, [2]);
    const positive = net.node('Greater', [
      net.node('ReduceMax', ['input'], { keepdims: int(0) }),
      net.constant([], [0]),
    ]);
    const [yes, no] = [branch('yes', 1), branch('no', 2)];
    const model = net.output(net.node('If', [positive], { then_branch: yes, else_branch: no }));
    const before = await runModel(model, 4);
    await fold(model);
    expect(yes.value.nodes.map((node) => node.op)).toEqual(['Add']);
    expect(no.value.nodes.map((node) => node.op)).toEqual(['Add']);
    const after = await runModel(model, before.feeds);
    expect(relativeError(before.outputs, after.outputs)).toBeLessThan(1e-6);
  });

  it('leaves what the runtime refuses, and folds the rest', async () => {
    const model = added((net) => {
      const bad = net.node('MatMul', [net.weights([2, 3], 1), net.weights([2, 4], 1)]);
      return net.node('Add', [
        net.node('Exp', [net.constant([1], [1])]),
        net.node('Mul', [bad, 'input']),
      ]);
    });
    const { did, declined } = await fold(model);
    expect(opsOf(model)).toEqual(['MatMul', 'Mul', 'Add', 'Add']);
    expect(did).toHaveLength(1);
    expect(declined).toEqual([expect.stringMatching(/^MatMul .*refuses/)]);
  });

  const kept: Readonly<Record<string, (net: NetBuilder) => string>> = {
    chance: (net) => net.node('RandomNormal', [], { shape: ints([4]), seed: float(1) }),
    'weights stored in integers': (net) => {
      const graph = net.model.graph;
      graph.initializers.set('w', { dtype: 'int8', dims: [4], bytes: Uint8Array.of(1, 2, 3, 4) });
      return net.node('DequantizeLinear', ['w', net.constant([], [0.5])]);
    },
    'casts to less than a byte': (net) => {
      const small = net.node('Cast', [net.constant([4], [1, 2, 3, 4])], {
        to: int(DATA_TYPES.int4.code),
      });
      return net.node('Cast', [small], { to: int(DATA_TYPES.float32.code) });
    },
    'division of integers by zero': (net) => {
      const graph = net.model.graph;
      graph.initializers.set('i', int64Tensor([2], [1, 0]));
      const quotient = net.node('Div', ['i', 'i']);
      return scalar(net, net.node('Cast', [quotient], { to: int(DATA_TYPES.float32.code) }));
    },
  };

  it.each(Object.entries(kept))('leaves %s', async (_, build) => {
    const model = added(build, 21);
    const before = opsOf(model);
    expect((await fold(model)).changed).toBe(0);
    expect(opsOf(model)).toEqual(before);
  });
});

describe('what would grow without measure', () => {
  const huge = int64Tensor([2], [1_000_000, 1_000_000]);
  const shape = (net: NetBuilder) => net.node('Constant', [], { value: tensor(huge) });
  const bombs: Readonly<Record<string, (net: NetBuilder) => string>> = {
    ConstantOfShape: (net) => net.node('ConstantOfShape', [shape(net)]),
    Expand: (net) => net.node('Expand', [net.constant([1], [1]), shape(net)]),
    Tile: (net) => net.node('Tile', [net.constant([1, 1], [1]), shape(net)]),
    Range: (net) =>
      net.node('Range', [net.constant([], [0]), net.constant([], [1e12]), net.constant([], [1])]),
    Pad: (net) => {
      const pads = tensor(int64Tensor([2], [1e12, 0]));
      return net.node('Pad', [net.constant([1], [1]), net.node('Constant', [], { value: pads })]);
    },
    Resize: (net) =>
      net.node('Resize', [net.constant([1, 1], [1]), '', net.constant([2], [1e6, 1e6])]),
    Exp: (net) => net.node('Exp', [net.node('ConstantOfShape', [shape(net)])]),
  };

  it.each(Object.entries(bombs))('stays a node and is named: %s', async (op, build) => {
    const model = added((net) => scalar(net, build(net)));
    const { declined } = await fold(model);
    expect(opsOf(model)).toContain(op);
    expect(declined.join()).toMatch(/would take \d+ bytes in place of/);
  });
});

describe('what depends on sizes alone', () => {
  function dynamic(build: (net: NetBuilder) => string): Model {
    const net = new NetBuilder(1, []);
    net.model.graph.inputs = [tensorInfo('input', 'float32', ['batch', 4, 6])];
    return net.output(build(net));
  }
  const index = (net: NetBuilder, ...at: number[]) =>
    net.node('Constant', [], { value: tensor(int64Tensor([at.length], at)) });

  it('is folded where the sizes used are known, though others are not', async () => {
    const model = dynamic((net) => {
      const size = net.node('Gather', [net.node('Shape', ['input']), index(net, 2)]);
      const root = net.node('Sqrt', [net.node('Cast', [size], { to: int(1) })]);
      return net.node('Div', ['input', root]);
    });
    await fold(model);
    expect(opsOf(model)).toEqual(['Shape', 'Div']);
  });

  it('settles a Reshape whose shape varies in one size', async () => {
    const model = dynamic((net) => {
      const batch = net.node('Gather', [net.node('Shape', ['input']), index(net, 0)]);
      const halves = net.node('Mul', [batch, index(net, 2)]);
      const wanted = net.node('Concat', [halves, index(net, 2, 6)], { axis: int(0) });
      return net.node('Reshape', ['input', wanted]);
    });
    await fold(model);
    const reshape = model.graph.nodes.at(-1)!;
    expect(toNumbers(model.graph.initializers.get(reshape.inputs[1]!)!)).toEqual(
      Float64Array.of(-1, 2, 6),
    );
  });

  it('lets a Reshape copy a size, and leaves one that varies in two others', async () => {
    const wanted = (net: NetBuilder, first: string) =>
      net.node('Concat', [first, index(net, 2), index(net, 12)], { axis: int(0) });
    const copied = dynamic((net) => {
      const batch = net.node('Gather', [net.node('Shape', ['input']), index(net, 0)]);
      return net.node('Reshape', ['input', wanted(net, batch)]);
    });
    await fold(copied);
    const name = copied.graph.nodes.at(-1)!.inputs[1]!;
    expect(toNumbers(copied.graph.initializers.get(name)!)).toEqual(Float64Array.of(0, 2, 12));
    const open = dynamic((net) => {
      const count = net.node('Shape', [net.node('NonZero', ['input'])]);
      return net.node('Reshape', ['input', net.node('Concat', [count, count], { axis: int(0) })]);
    });
    await fold(open);
    expect(opsOf(open)).toContain('Concat');
  });
});

it('leaves room for the largest weight of a float16 model, widened and turned', async () => {
  const [rows, columns] = [3000, 2000];
  const net = new NetBuilder(1, [1, columns]);
  const { graph } = net.model;
  graph.inputs = [tensorInfo('input', 'float16', [1, columns])];
  graph.initializers.set(
    'weights',
    makeTensor('float16', [rows, columns], new Uint16Array(rows * columns).fill(0x2000)),
  );
  const turned = net.node('Transpose', ['weights']);
  const model = net.output(net.node('MatMul', ['input', turned]));
  graph.outputs = graph.outputs.map(({ name }) => tensorInfo(name, 'float16', [1, rows]));
  await runPasses(model);
  expect(opsOf(model)).not.toContain('Transpose');
});

it('counts what the runtime makes and what we make towards one limit', async () => {
  const net = new NetBuilder(1, [1]);
  const large = net.constant([128, 128], new Array(128 * 128).fill(1));
  const values = Array.from({ length: 500 }, (_, i) => {
    const made = net.node('Exp', [
      net.node('Expand', [net.constant([1], [i]), net.integers(128, 128)]),
    ]);
    return net.node('Div', [net.node('Add', [made, large]), net.constant([1], [2])]);
  });
  const model = net.output(net.node('Sum', [...values, 'input']));
  await fold(model);
  expect(constantBytes(model.graph)).toBeLessThan(36 << 20);
  expect(opsOf(model)).toContain('Div');
});

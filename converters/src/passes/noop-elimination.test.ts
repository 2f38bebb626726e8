import { describe, expect, it } from 'vitest';
import { int, ints, string } from '../ir/attributes.ts';
import { tensorInfo } from '../ir/graph.ts';
import { checkPass } from '../testing/check-pass.ts';
import { NetBuilder } from '../testing/small-net.ts';
import { noopElimination } from './noop-elimination.ts';

const CASES: Readonly<Record<string, (net: NetBuilder, x: string) => string>> = {
  'adds zeros': (net, x) => net.node('Add', [net.constant([3, 1, 1], [0, 0, 0]), x]),
  'takes zero off': (net, x) => net.node('Sub', [x, net.constant([], [0])]),
  'multiplies by one': (net, x) => net.node('Mul', [x, net.constant([1], [1])]),
  'divides by one': (net, x) => net.node('Div', [x, net.constant([], [1])]),
  'takes the first power': (net, x) => net.node('Pow', [x, net.constant([], [1])]),
  'pads by nothing': (net, x) => net.node('Pad', [x, net.integers(0, 0, 0, 0, 0, 0, 0, 0)]),
  'repeats once': (net, x) => net.node('Tile', [x, net.integers(1, 1, 1, 1)]),
  'slices all': (net, x) =>
    net.node('Slice', [x, net.integers(0, 0), net.integers(9, 4), net.integers(1, -1)]),
  'slices to the end': (net, x) => net.node('Slice', [x, net.integers(0), net.integers(2 ** 31)]),
  'reshapes to what it is': (net, x) => net.reshape(x, [0, 3, -1, 4]),
  'expands to what it is': (net, x) => net.node('Expand', [x, net.integers(1, 3, 4, 4)]),
  'splits into one': (net, x) => net.node('Split', [x], { axis: int(1) }),
  'pools one by one': (net, x) => net.node('MaxPool', [x], { kernel_shape: ints([1, 1]) }),
  'resizes by one': (net, x) =>
    net.node('Resize', [x, '', net.constant([4], [1, 1, 1, 1])], { mode: string('linear') }),
};

const STAY: typeof CASES = {
  'adds zeros in a new axis': (net, x) => net.node('Add', [x, net.constant([1, 1, 1, 1, 1], [0])]),
  'adds zeros that repeat it': (net, x) => net.node('Add', [x, net.constant([2, 1, 1, 1], [0, 0])]),
  'takes from zero': (net, x) => net.node('Sub', [net.constant([], [0]), x]),
  'slices backwards': (net, x) =>
    net.node('Slice', [x, net.integers(-1), net.integers(-9), net.integers(3), net.integers(-1)]),
  'slices the rest': (net, x) =>
    net.node('Slice', [x, net.integers(1), net.integers(4), net.integers(3)]),
  reshapes: (net, x) => net.reshape(x, [1, 4, 3, 4]),
  expands: (net, x) => net.node('Expand', [x, net.integers(2, 3, 4, 4)]),
};

function modelOf(make: (net: NetBuilder, x: string) => string) {
  const net = new NetBuilder(1, [1, 3, 4, 4]);
  return net.output(net.relu(make(net, net.relu('input'))));
}

describe('noop-elimination', () => {
  it.each(Object.entries(CASES))('removes what %s', async (_, make) => {
    const { ops } = await checkPass(modelOf(make), noopElimination, 0);
    expect(ops).toEqual(['Relu', 'Relu']);
  });

  it.each(Object.entries(STAY))('leaves what %s', async (_, make) => {
    const { ops } = await checkPass(modelOf(make), noopElimination, 0);
    expect(ops).toHaveLength(3);
  });

  it('knows a shape whose batch is open', async () => {
    const model = modelOf((net, x) => net.reshape(x, [-1, 3, 4, 4]));
    model.graph.inputs = [tensorInfo('input', 'float32', ['n', 3, 4, 4])];
    expect((await checkPass(model, noopElimination, 0)).ops).toEqual(['Relu', 'Relu']);
  });

  it('says so where a name has to stay', async () => {
    const net = new NetBuilder(1, [3]);
    const model = net.output(net.node('Mul', ['input', net.constant([], [1])]));
    const { report, ops } = await checkPass(model, noopElimination, 0);
    expect(ops).toEqual(['Mul']);
    expect(report.declined).toEqual([expect.stringContaining('between an input and an output')]);
  });
});

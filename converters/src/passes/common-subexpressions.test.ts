import { expect, it } from 'vitest';
import { float, int } from '../ir/attributes.ts';
import { makeGraph, makeNode, tensorInfo } from '../ir/graph.ts';
import { checkPass } from '../testing/check-pass.ts';
import { NetBuilder } from '../testing/small-net.ts';
import { commonSubexpressions } from './common-subexpressions.ts';

it('computes equal chains once, whatever the order of a sum and the names of small constants', async () => {
  const net = new NetBuilder(1, [2, 3]);
  const chain = (flip: boolean) => {
    const scaled = net.node('Mul', [net.relu('input'), net.constant([], [2])]);
    return net.node('Add', flip ? ['input', scaled] : [scaled, 'input']);
  };
  const model = net.output(net.node('Concat', [chain(false), chain(true)], { axis: int(0) }));
  const { ops } = await checkPass(model, commonSubexpressions, 0);
  expect(ops).toEqual(['Relu', 'Mul', 'Add', 'Concat']);
});

it('leaves what differs in attributes, outputs or the order of a difference', async () => {
  const net = new NetBuilder(1, [2, 3]);
  const a = net.node('LeakyRelu', ['input'], { alpha: float(0.1) });
  const b = net.node('LeakyRelu', ['input'], { alpha: float(0.2) });
  const differences = [net.node('Sub', [a, b]), net.node('Sub', [b, a])];
  const model = net.output(net.node('Concat', differences, { axis: int(0) }));
  expect((await checkPass(model, commonSubexpressions, 0)).report.changed).toBe(0);
});

it('lets the first make an output of the second, and says so where both make one', async () => {
  const net = new NetBuilder(1, [2, 3]);
  const [first, second, third] = [net.relu('input'), net.relu('input'), net.relu('input')];
  net.output(net.node('Neg', [first]));
  net.output(second);
  const { report, ops } = await checkPass(net.output(third), commonSubexpressions, 0);
  expect(ops).toEqual(['Relu', 'Relu', 'Neg']);
  expect(report.declined).toEqual([expect.stringContaining('both make outputs')]);
});

it('leaves random numbers, and a branch to itself', async () => {
  const net = new NetBuilder(1, [2]);
  const draws = [net.node('RandomNormalLike', ['input']), net.node('RandomNormalLike', ['input'])];
  const zero = net.node('Mul', [net.node('Sub', draws), net.constant([], [0])]);
  const branch = (name: string) => {
    const graph = makeGraph(name, [], [tensorInfo(`${name}_out`, 'float32')]);
    graph.nodes.push(makeNode('Relu', `${name}_relu`, ['input'], [`${name}_out`]));
    return { kind: 'graph', value: graph } as const;
  };
  const condition = net.node('Greater', [
    net.node('ReduceMax', [net.relu('input')], { keepdims: int(0) }),
    net.constant([], [0]),
  ]);
  const branches = { then_branch: branch('yes'), else_branch: branch('no') };
  const model = net.output(net.node('Add', [zero, net.node('If', [condition], branches)]));
  expect((await checkPass(model, commonSubexpressions, 0)).report.changed).toBe(0);
});

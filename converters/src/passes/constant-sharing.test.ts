import { expect, it } from 'vitest';
import { type Graph, makeGraph, makeModel, makeNode, tensorInfo } from '../ir/graph.ts';
import { float32Tensor } from '../ir/tensor.ts';
import { relativeError, runModel } from '../testing/run-model.ts';
import { constantSharing } from './constant-sharing.ts';
import { runPassList } from './pass.ts';

const SIZE = 300;

function weights(first: number) {
  return float32Tensor(
    [SIZE],
    Array.from({ length: SIZE }, (_, i) => (i === 0 ? first : i)),
  );
}

function branch(name: string, op: string, first: number): Graph {
  const graph = makeGraph(name, [], [tensorInfo(`${name}_out`, 'float32')]);
  graph.initializers.set(`${name}_w`, weights(first));
  graph.nodes.push(makeNode(op, `${name}_node`, ['x', `${name}_w`], [`${name}_out`]));
  return graph;
}

function modelWith(first: number, second: number) {
  const inputs = [tensorInfo('x', 'float32', [SIZE]), tensorInfo('c', 'bool', [])];
  const graph = makeGraph('g', inputs, [tensorInfo('y', 'float32')]);
  graph.nodes.push(
    makeNode(
      'If',
      'if',
      ['c'],
      ['y'],
      [
        ['then_branch', { kind: 'graph', value: branch('yes', 'Add', first) }],
        ['else_branch', { kind: 'graph', value: branch('no', 'Mul', second) }],
      ],
    ),
  );
  return makeModel(graph, 13);
}

it('moves a constant that two branches hold to the graph around them', async () => {
  const model = modelWith(1, 1);
  const before = await runModel(model, 3);
  expect((await runPassList(model, [constantSharing], { opset: 13 }))[0]?.changed).toBe(1);
  expect([...model.graph.initializers.keys()]).toHaveLength(1);
  const after = await runModel(model, before.feeds);
  expect(relativeError(before.outputs, after.outputs)).toBe(0);
});

it('lets a branch take the constant of the graph around it', async () => {
  const model = modelWith(1, 2);
  model.graph.initializers.set('outer', weights(2));
  expect((await runPassList(model, [constantSharing], { opset: 13 }))[0]?.changed).toBe(1);
  expect([...model.graph.initializers.keys()]).toEqual(['outer']);
});

it('keeps one of several copies in one graph, though it stands in another order', async () => {
  const model = modelWith(1, 2);
  const { graph } = model;
  graph.initializers.set('a', weights(3)).set('b', weights(3));
  graph.nodes.push(makeNode('Add', 'first', ['y', 'a'], ['y1']));
  graph.nodes.push(makeNode('Add', 'second', ['y1', 'b'], ['y2']));
  graph.outputs = [tensorInfo('y2', 'float32')];
  const before = await runModel(model, 3);
  expect((await runPassList(model, [constantSharing], { opset: 13 }))[0]?.changed).toBe(1);
  expect([...graph.initializers.keys()]).toEqual(['a']);
  const after = await runModel(model, before.feeds);
  expect(relativeError(before.outputs, after.outputs)).toBe(0);
});

it('leaves constants that differ, and one that is an output', async () => {
  const model = modelWith(1, 2);
  model.graph.initializers.set('a', weights(3)).set('b', weights(4)).set('d', weights(4));
  model.graph.outputs.push(tensorInfo('d', 'float32'));
  expect((await runPassList(model, [constantSharing], { opset: 13 }))[0]?.changed).toBe(0);
});

import { TARGETS } from '@flotilla/targets';
import { expect, test } from 'vitest';
import { float, ints } from '../ir/attributes.ts';
import { type Graph, type Model, makeGraph, makeModel, makeNode, tensorInfo } from '../ir/graph.ts';
import { float32Tensor, int64Tensor } from '../ir/tensor.ts';
import { toFloat16 } from '../quantize/fp16.ts';
import { quantizeInt8 } from '../quantize/int8.ts';
import { runPasses } from './index.ts';

/** Nodes of a chain; what takes time by their square takes minutes, and the test times out. */
const NODES = 12_000;

/** A chain x0, x1, …; `link` adds what makes x(i+1) of x(i). */
function chain(opset: number, link: (graph: Graph, i: number) => void): Model {
  const inputs = [tensorInfo('x0', 'float32', [1, 4, 8, 8])];
  const graph = makeGraph('chain', inputs, [tensorInfo(`x${NODES}`, 'float32')]);
  for (let i = 0; i < NODES; i++) link(graph, i);
  return makeModel(graph, opset);
}

function add(graph: Graph, op: string, i: number, further: readonly string[], made = ''): void {
  const outputs = [`x${i + 1}`, made].filter((name) => name !== '');
  graph.nodes.push(makeNode(op, `node${i}`, [`x${i}`, ...further], outputs));
}

test.each([
  ['Dropout with its mask, at opset 7', 7],
  ['Dropout with its mask, at opset 13', 13],
])('%s, is removed', async (_what, opset) => {
  const model = chain(opset, (graph, i) => add(graph, 'Dropout', i, [], `mask${i}`));
  await runPasses(model);
  expect(model.graph.nodes.length).toBeLessThan(2);
});

test('BatchNormalization with the outputs of its training is upgraded', async () => {
  const ones = float32Tensor([4], [1, 1, 1, 1]);
  const model = chain(7, (graph, i) => {
    for (const name of ['scale', 'bias', 'mean', 'var']) graph.initializers.set(name, ones);
    add(graph, 'BatchNormalization', i, ['scale', 'bias', 'mean', 'var'], `saved${i}`);
  });
  await runPasses(model);
  expect(model.graph.nodes.every(({ outputs }) => outputs.length === 1)).toBe(true);
});

test('Clip with attributes gets constants', async () => {
  const model = chain(6, (graph, i) => {
    add(graph, 'Clip', i, []);
    graph.nodes.at(-1)?.attributes.set('min', float(0));
  });
  await runPasses(model, { passes: ['opset-upgrade'] });
  expect(model.graph.nodes.every(({ inputs }) => inputs.length === 2)).toBe(true);
});

test('Identity before each of thousands of outputs is removed, then all is halved', async () => {
  const model = chain(13, (graph, i) => {
    graph.nodes.push(makeNode('Relu', `relu${i}`, [`x${i}`], [`y${i}`]));
    graph.nodes.push(makeNode('Identity', `same${i}`, [`y${i}`], [`x${i + 1}`]));
    if (i > 0) graph.outputs.push(tensorInfo(`x${i}`, 'float32'));
  });
  await runPasses(model);
  expect(model.graph.nodes).toHaveLength(NODES);
  expect(toFloat16(model).model.graph.nodes).toHaveLength(2 * NODES + 1);
});

test('thousands of convolutions are quantized', async () => {
  const model = chain(13, (graph, i) => {
    graph.initializers.set(`w${i}`, float32Tensor([4, 4, 1, 1], new Array(16).fill(0.1)));
    add(graph, 'Conv', i, [`w${i}`]);
  });
  const ranges = new Map(
    Array.from({ length: NODES + 1 }, (_, i) => [`x${i}`, { min: -1, max: 1 }] as const),
  );
  const { integerNodes } = quantizeInt8(model, ranges, TARGETS['x86-64'].qdq);
  expect(integerNodes).toBe(NODES);
});

test('Relu after Relu is merged, Transpose with Transpose cancelled', async () => {
  for (const op of ['Relu', 'Transpose']) {
    const model = chain(13, (graph, i) => add(graph, op, i, []));
    await runPasses(model);
    expect(model.graph.nodes.length).toBeLessThan(3);
  }
});

test('products one after another fold into a Conv at once, or stay', async () => {
  const model = chain(13, (graph, i) => add(graph, 'Mul', i, ['c']));
  model.graph.initializers.set('c', float32Tensor([], [1.0001]));
  await runPasses(model);
  expect(model.graph.nodes).toHaveLength(NODES);
  const weights = float32Tensor([64, 4, 3, 3], new Array(64 * 36).fill(0.1));
  model.graph.initializers.set('w', weights);
  model.graph.nodes[0] = makeNode('Conv', 'conv', ['x0', 'w'], ['x1']);
  await runPasses(model);
  expect(model.graph.nodes).toHaveLength(1);
});

test('constants that begin alike are told apart, and those alike are one', async () => {
  const model = chain(13, (graph, i) => {
    const values = new Array<number>(256).fill(0);
    values[255] = 1 + (i % (NODES - 5000));
    graph.initializers.set(`c${i}`, float32Tensor([1, 4, 8, 8], values));
    add(graph, 'Add', i, [`c${i}`]);
  });
  await runPasses(model);
  expect(model.graph.initializers.size).toBe(NODES - 5000);
});

test('thousands of float16 outputs are widened', async () => {
  const model = chain(13, (graph, i) => {
    add(graph, 'Tanh', i, []);
    if (i < NODES - 1) graph.outputs.push(tensorInfo(`x${i + 1}`, 'float16'));
  });
  model.graph.inputs = [tensorInfo('x0', 'float16', [1, 4, 8, 8])];
  await runPasses(model);
  expect(model.graph.nodes).toHaveLength(2 * NODES);
});

test('a Pad behind thousands of MaxPools is folded', async () => {
  const model = chain(13, (graph, i) => {
    add(graph, i === 0 ? 'Relu' : 'MaxPool', i, []);
    if (i > 0) graph.nodes.at(-1)?.attributes.set('kernel_shape', ints([3, 3]));
    if (i > 0) graph.nodes.at(-1)?.attributes.set('pads', ints([1, 1, 1, 1]));
  });
  const last = model.graph.nodes.at(-1)!;
  model.graph.initializers.set('amounts', int64Tensor([8], [0, 0, 1, 1, 0, 0, 1, 1]));
  model.graph.nodes.splice(-1, 0, makeNode('Pad', 'pad', [...last.inputs, 'amounts'], ['padded']));
  last.inputs = ['padded'];
  last.attributes.set('pads', ints([0, 0, 0, 0]));
  await runPasses(model);
  expect(model.graph.nodes).toHaveLength(NODES);
});

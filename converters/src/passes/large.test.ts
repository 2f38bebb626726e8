import { TARGETS } from '@flotilla/targets';
import { expect, test } from 'vitest';
import { float } from '../ir/attributes.ts';
import { type Graph, type Model, makeGraph, makeModel, makeNode, tensorInfo } from '../ir/graph.ts';
import { float32Tensor } from '../ir/tensor.ts';
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

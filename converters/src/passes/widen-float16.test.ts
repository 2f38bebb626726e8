import { describe, expect, it } from 'vitest';
import { int, tensor } from '../ir/attributes.ts';
import { DATA_TYPES } from '../ir/dtype.ts';
import { type Model, makeNode, tensorInfo } from '../ir/graph.ts';
import { fromNumbers } from '../ir/tensor.ts';
import { inferFacts } from '../ops/facts.ts';
import { toFloat16 } from '../quantize/fp16.ts';
import { relativeError, runModel } from '../testing/run-model.ts';
import { NetBuilder, smallNet } from '../testing/small-net.ts';
import { runPassList } from './pass.ts';
import { widenFloat16 } from './widen-float16.ts';

async function widen(model: Model) {
  const [report] = await runPassList(model, [widenFloat16], { opset: 13 });
  return report!;
}

const half = (): Model => toFloat16(smallNet(1), { keepIo: false }).model;

describe('a float16 model', () => {
  it('computes in float32 afterwards, and is fed as before', async () => {
    const model = half();
    const before = await runModel(model, 2);
    const { notes } = await widen(model);
    expect(notes).toHaveLength(1);
    const types = [...model.graph.inputs, ...model.graph.outputs].map(({ type }) => type);
    expect(types).toEqual(types.map(() => expect.objectContaining({ dtype: 'float16' })));
    const facts = inferFacts(model.graph, { declared: false }).get(model.graph)!;
    const inner = model.graph.nodes.slice(0, -1).flatMap((node) => node.outputs);
    expect(inner.filter((name) => facts.get(name)?.dtype !== 'float32')).toEqual([]);
    const after = await runModel(model, before.feeds);
    expect(relativeError(before.outputs, after.outputs)).toBeLessThan(1e-3);
  });

  it('is widened once', async () => {
    const model = half();
    await widen(model);
    const nodes = model.graph.nodes.length;
    expect((await widen(model)).changed).toBe(0);
    expect(model.graph.nodes).toHaveLength(nodes);
  });

  it('is found by its casts and constants too', async () => {
    const net = new NetBuilder(1, [2]);
    const small = net.node('Cast', ['input'], { to: int(DATA_TYPES.float16.code) });
    const value = tensor(fromNumbers('float16', [1], [0.5]));
    const sum = net.node('Add', [net.node('Exp', [small]), net.node('Constant', [], { value })]);
    const model = net.output(net.node('Cast', [net.node('Exp', [sum])], { to: int(1) }));
    const before = await runModel(model, 2);
    expect((await widen(model)).changed).toBe(1);
    const after = await runModel(model, before.feeds);
    expect(relativeError(before.outputs, after.outputs)).toBeLessThan(1e-2);
  });

  it('stays where an operator may need it', async () => {
    const model = half();
    const [last] = model.graph.outputs;
    model.graph.nodes.push(makeNode('Special', 'special', [last!.name], ['z'], [], 'example.org'));
    model.graph.outputs = [tensorInfo('z', 'float16')];
    const { changed, declined } = await widen(model);
    expect(changed).toBe(0);
    expect(declined).toEqual([expect.stringContaining('special')]);
  });
});

it('a float32 model is left as it is', async () => {
  expect((await widen(smallNet(1))).changed).toBe(0);
});

import { expect, it } from 'vitest';
import { int } from '../ir/attributes.ts';
import { type Model, tensorInfo } from '../ir/graph.ts';
import { checkPass } from '../testing/check-pass.ts';
import { NetBuilder } from '../testing/small-net.ts';
import { reshapeElimination } from './reshape-elimination.ts';

/** Flatten, Unsqueeze, Reshape, Squeeze in a row, to `shape`. */
function chain(shape: readonly number[]): { net: NetBuilder; model: Model } {
  const net = new NetBuilder(1, [2, 3, 4]);
  const flat = net.node('Flatten', [net.relu('input')], { axis: int(1) });
  const more = net.node('Unsqueeze', [flat, net.integers(0, 2)]);
  const last = net.node('Squeeze', [net.reshape(more, [1, ...shape]), net.integers(0)]);
  return { net, model: net.output(net.relu(last)) };
}

it('makes one Reshape of a chain', async () => {
  const { model } = chain([2, 2, 6]);
  const { ops } = await checkPass(model, reshapeElimination, 0);
  expect(ops).toEqual(['Relu', 'Reshape', 'Relu']);
});

it('makes nothing of a chain that comes back', async () => {
  const { model } = chain([2, 3, 4]);
  const { report, ops } = await checkPass(model, reshapeElimination, 0);
  expect(ops).toEqual(['Relu', 'Relu']);
  expect(report.did.join()).toContain('undoes');
});

it('leaves one size open, and says why it stops at two', async () => {
  const net = new NetBuilder(1, [2, 3, 4]);
  const twice = (value: string) =>
    net.node('Unsqueeze', [net.node('Unsqueeze', [value, net.integers(0)]), net.integers(0)]);
  net.model.graph.inputs = [
    tensorInfo('input', 'float32', ['n', 3, 4]),
    tensorInfo('second', 'float32', ['n', 'm']),
  ];
  net.output(twice('second'));
  const { report, ops } = await checkPass(net.output(twice('input')), reshapeElimination, 0);
  expect(ops).toEqual(['Unsqueeze', 'Unsqueeze', 'Reshape']);
  expect(report.declined).toEqual([expect.stringContaining('known at run time')]);
});

it('says so where what lies between is used, too', async () => {
  const { model } = chain([2, 2, 6]);
  model.graph.outputs.push(tensorInfo(model.graph.nodes[1]!.outputs[0]!, 'float32'));
  const { report } = await checkPass(model, reshapeElimination, 0);
  expect(report.declined.join()).toContain('is an output');
});

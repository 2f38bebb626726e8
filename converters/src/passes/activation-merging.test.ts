import { describe, expect, it } from 'vitest';
import { tensorInfo } from '../ir/graph.ts';
import { toNumbers } from '../ir/tensor.ts';
import { checkPass } from '../testing/check-pass.ts';
import { NetBuilder } from '../testing/small-net.ts';
import { activationMerging } from './activation-merging.ts';

const clip = (net: NetBuilder, x: string, low: number, high: number) =>
  net.node('Clip', [x, net.constant([], [low]), net.constant([], [high])]);
const min = (net: NetBuilder, x: string, bound: number) =>
  net.node('Min', [x, net.constant([], [bound])]);
const max = (net: NetBuilder, x: string, bound: number) =>
  net.node('Max', [net.constant([1], [bound]), x]);

type Make = (net: NetBuilder, x: string) => string;

const CASES: readonly (readonly [string, Make, readonly string[]])[] = [
  ['Relu, Relu', (net, x) => net.relu(net.relu(x)), ['Relu']],
  ['Relu, Clip', (net, x) => clip(net, net.relu(x), -1, 0.5), ['Clip 0 0.5']],
  ['Clip, Relu', (net, x) => net.relu(clip(net, x, -1, 0.5)), ['Clip 0 0.5']],
  ['Clip, Clip apart', (net, x) => clip(net, clip(net, x, -1, 0), 0.25, 0.5), ['Clip 0.25 0.25']],
  ['Max, Min', (net, x) => min(net, max(net, x, 0), 6), ['Clip 0 6']],
  ['Max with zero', (net, x) => max(net, x, 0), ['Relu']],
  ['Clip from zero to the largest', (net, x) => clip(net, x, 0, 3.4028235e38), ['Relu']],
  ['Clip of all', (net, x) => net.relu(net.node('Clip', [x])), ['Relu']],
  [
    'PRelu of one slope',
    (net, x) => net.node('PRelu', [x, net.constant([3], [0.1, 0.1, 0.1])]),
    ['LeakyRelu'],
  ],
  [
    'PRelu of several',
    (net, x) => net.node('PRelu', [x, net.constant([3], [0.1, 0.2, 0.1])]),
    ['PRelu'],
  ],
  ['Min of two values', (net, x) => net.node('Min', [x, net.node('Neg', [x])]), ['Neg', 'Min']],
  [
    'Max with a constant for each',
    (net, x) => net.node('Max', [x, net.constant([3], [0, 1, 2])]),
    ['Max'],
  ],
  ['Clip between bounds in disorder', (net, x) => clip(net, x, 1, 0), ['Clip 1 0']],
];

describe('activation-merging', () => {
  it.each(CASES)('%s', async (_, make, expected) => {
    const net = new NetBuilder(1, [2, 3]);
    const model = net.output(make(net, 'input'));
    await checkPass(model, activationMerging, 1e-7);
    const texts = model.graph.nodes.map(({ op, inputs }) => {
      const bounds = inputs.slice(1).flatMap((name) => {
        const tensor = op === 'Clip' ? model.graph.initializers.get(name) : undefined;
        return tensor ? [...toNumbers(tensor)] : [];
      });
      return [op, ...bounds].join(' ');
    });
    expect(texts).toEqual(expected);
  });

  it('says so where what lies between is used, too', async () => {
    const net = new NetBuilder(1, [2, 3]);
    const first = net.relu('input');
    const model = net.output(clip(net, first, 0, 0.5));
    model.graph.outputs.push(tensorInfo(first, 'float32'));
    const { report, ops } = await checkPass(model, activationMerging);
    expect(ops).toEqual(['Relu', 'Clip']);
    expect(report.declined).toEqual([expect.stringContaining('is an output')]);
  });
});

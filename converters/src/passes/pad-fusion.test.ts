import { describe, expect, it } from 'vitest';
import { int, ints, string } from '../ir/attributes.ts';
import { tensorInfo } from '../ir/graph.ts';
import { checkPass } from '../testing/check-pass.ts';
import { NetBuilder } from '../testing/small-net.ts';
import { padFusion } from './pad-fusion.ts';

const AROUND = [0, 0, 1, 0, 0, 0, 1, 1];

function pad(net: NetBuilder, x: string, value = 0, amounts: readonly number[] = AROUND): string {
  return net.node('Pad', [x, net.integers(...amounts), net.constant([], [value])]);
}

const conv = (net: NetBuilder, x: string) => net.conv(x, 2, 3, 3);
const pool =
  (op: string, count = 0) =>
  (net: NetBuilder, x: string) =>
    net.node(op, [x], {
      kernel_shape: ints([3, 3]),
      strides: ints([2, 2]),
      ...(count ? { count_include_pad: int(1) } : {}),
    });

type Make = (net: NetBuilder) => string;

const FOLDED: Readonly<Record<string, Make>> = {
  'zeros into Conv': (net) => conv(net, pad(net, 'input')),
  'zeros into AveragePool': (net) => pool('AveragePool')(net, pad(net, 'input')),
  'zeros into AveragePool that counts them': (net) =>
    pool('AveragePool', 1)(net, pad(net, 'input')),
  'the least number into MaxPool': (net) => pool('MaxPool')(net, pad(net, 'input', -3.4028235e38)),
  'zeros behind Relu into MaxPool': (net) => pool('MaxPool')(net, pad(net, net.relu('input'))),
};

const STAY: readonly (readonly [string, Make, RegExp])[] = [
  ['ones before Conv', (net) => conv(net, pad(net, 'input', 1)), /with 1, that with 0/],
  [
    'zeros before MaxPool of any values',
    (net) => pool('MaxPool')(net, pad(net, 'input')),
    /could be the largest/,
  ],
  [
    'zeros before MaxPool that tells where the largest are',
    (net) => {
      const largest = pool('MaxPool')(net, pad(net, net.relu('input')));
      net.model.graph.nodes.at(-1)!.outputs.push('where');
      net.model.graph.outputs.push(tensorInfo('where', 'int64'));
      return largest;
    },
    /where in the padded image/,
  ],
  ['negative amounts', (net) => conv(net, pad(net, 'input', 0, [0, 0, 1, 0, 0, 0, -1, 0])), /cuts/],
  [
    'channels',
    (net) => net.conv(pad(net, 'input', 0, [0, 1, 0, 0, 0, 0, 0, 0]), 3, 3, 3),
    /channels/,
  ],
  [
    'reflections',
    (net) =>
      conv(net, net.node('Pad', ['input', net.integers(...AROUND)], { mode: string('reflect') })),
    /by reflect/,
  ],
];

const net = () => new NetBuilder(4, [1, 2, 7, 7]);

describe('pad-fusion', () => {
  it.each(Object.entries(FOLDED))('folds %s', async (_, make) => {
    const build = net();
    const { ops } = await checkPass(build.output(make(build)), padFusion, 1e-6);
    expect(ops).not.toContain('Pad');
  });

  it.each(STAY)('leaves %s', async (_, make, reason) => {
    const build = net();
    const { report, ops } = await checkPass(build.output(make(build)), padFusion, 0);
    expect(ops).toContain('Pad');
    expect(report.declined).toEqual([expect.stringMatching(reason)]);
  });
});

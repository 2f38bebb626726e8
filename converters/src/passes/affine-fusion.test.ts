import { describe, expect, it } from 'vitest';
import { int } from '../ir/attributes.ts';
import { checkPass } from '../testing/check-pass.ts';
import { NetBuilder } from '../testing/small-net.ts';
import { affineFusion } from './affine-fusion.ts';

const OPS: Readonly<Record<string, (net: NetBuilder) => string>> = {
  Conv: (net) => net.conv('input', 4, 4, 3),
  'depthwise Conv': (net) => net.conv('input', 4, 4, 3, 4),
  'Conv without bias': (net) => net.node('Conv', ['input', net.weights([4, 4, 1, 1], 4)]),
  ConvTranspose: (net) =>
    net.node('ConvTranspose', ['input', net.weights([4, 2, 3, 3], 18)], { group: int(2) }),
};

const scale = (net: NetBuilder, x: string) =>
  net.node('Mul', [net.constant([1, 4, 1, 1], [1, -2, 0.5, 3]), x]);
const shift = (net: NetBuilder, x: string) =>
  net.node('Add', [x, net.constant([4, 1, 1], [1, 2, 3, 4])]);

describe('affine-fusion', () => {
  it.each(Object.entries(OPS))('folds products and sums into %s', async (_, make) => {
    const net = new NetBuilder(2, [1, 4, 6, 6]);
    const half = net.node('Mul', [shift(net, scale(net, make(net))), net.constant([], [0.5])]);
    const { ops, report } = await checkPass(net.output(half), affineFusion);
    expect(ops).toHaveLength(1);
    expect(report.did).toEqual([expect.stringMatching(/^(Mul|Add) .* with 2 behind it$/)]);
  });

  it('folds into Gemm, and a product into MatMul of any rank', async () => {
    const net = new NetBuilder(2, [2, 3, 4]);
    const matrix = net.node('MatMul', ['input', net.weights([4, 5], 4)]);
    const scaled = net.node('Mul', [matrix, net.constant([5], [1, 2, 3, 4, 5])]);
    const gemm = net.gemm(net.reshape(scaled, [6, 5]), 5, 3);
    const model = net.output(net.node('Add', [gemm, net.constant([1, 3], [1, 2, 3])]));
    expect((await checkPass(model, affineFusion)).ops).toEqual(['MatMul', 'Reshape', 'Gemm']);
  });

  it.each<[string, (net: NetBuilder, x: string) => string, RegExp]>([
    [
      'the constant is one for each column',
      (net, x) => net.node('Mul', [x, net.weights([6], 6)]),
      /each channel/,
    ],
    ['the result is used elsewhere', (net, x) => net.node('Sub', [scale(net, x), x]), /elsewhere/],
    [
      'it adds an axis',
      (net, x) => net.node('Mul', [x, net.weights([1, 1, 4, 1, 1], 6)]),
      /each channel/,
    ],
    [
      'it would leave the range',
      (net) => {
        const conv = net.node('Conv', ['input', net.constant([4, 4, 1, 1], new Array(16).fill(5))]);
        return net.node('Mul', [conv, net.constant([], [3e38])]);
      },
      /range/,
    ],
  ])('says why not where %s', async (_, make, reason) => {
    const net = new NetBuilder(2, [1, 4, 6, 6]);
    const { report } = await checkPass(
      net.output(make(net, net.conv('input', 4, 4, 3))),
      affineFusion,
    );
    expect(report.changed).toBe(0);
    expect(report.declined).toEqual([expect.stringMatching(reason)]);
  });

  it('says why not where MatMul has no place for a bias', async () => {
    const net = new NetBuilder(2, [2, 3, 4]);
    const product = net.node('MatMul', ['input', net.weights([4, 5], 4)]);
    const model = net.output(net.node('Add', [product, net.weights([5], 5)]));
    const { report } = await checkPass(model, affineFusion);
    expect(report.declined).toEqual([expect.stringContaining('no place for a bias')]);
  });
});

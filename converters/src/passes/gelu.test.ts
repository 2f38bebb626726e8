import { describe, expect, it } from 'vitest';
import { checkPass } from '../testing/check-pass.ts';
import { NetBuilder } from '../testing/small-net.ts';
import { gelu } from './gelu.ts';

type Make = (net: NetBuilder, x: string) => string;

const by = (op: string, number: number) => (net: NetBuilder, x: string) =>
  net.node(op, [x, net.constant([], [number])]);
const half = by('Mul', 0.5);
const onePlusErf: Make = (net, x) =>
  by('Add', 1)(net, net.node('Erf', [by('Div', Math.SQRT2)(net, x)]));
const onePlusTanh =
  (cube: Make, factor = 0.044715): Make =>
  (net, x) => {
    const sum = net.node('Add', [x, by('Mul', factor)(net, cube(net, x))]);
    return by('Add', 1)(net, net.node('Tanh', [by('Mul', Math.sqrt(2 / Math.PI))(net, sum)]));
  };
const power = onePlusTanh(by('Pow', 3));
const product = onePlusTanh((net, x) => net.node('Mul', [x, net.node('Mul', [x, x])]));

const FORMS: readonly (readonly [string, Make])[] = [
  ['(x · (1 + erf)) · ½', (net, x) => half(net, net.node('Mul', [x, onePlusErf(net, x)]))],
  ['x · ((1 + erf) · ½)', (net, x) => net.node('Mul', [x, half(net, onePlusErf(net, x))])],
  ['(x · ½) · (1 + erf)', (net, x) => net.node('Mul', [half(net, x), onePlusErf(net, x)])],
  ['(x · ½) · (1 + tanh)', (net, x) => net.node('Mul', [half(net, x), power(net, x)])],
  ['x · ((1 + tanh) · ½)', (net, x) => net.node('Mul', [x, half(net, product(net, x))])],
];

function modelOf(make: Make, opset: number) {
  const net = new NetBuilder(1, [2, 50], opset);
  return net.output(make(net, by('Mul', 4)(net, 'input')));
}

describe('gelu', () => {
  it.each(FORMS)('finds %s', async (_, make) => {
    const { ops } = await checkPass(modelOf(make, 20), gelu, 1e-5);
    expect(ops).toEqual(['Mul', 'Gelu']);
  });

  it('says why not below opset 20', async () => {
    const { report } = await checkPass(modelOf(FORMS[0]![1], 17), gelu, 0);
    expect(report.declined).toEqual([expect.stringContaining('opset 20, the model has 17')]);
  });

  it('is no Gelu with another constant', async () => {
    const other: Make = (net, x) =>
      half(net, net.node('Mul', [x, by('Add', 1)(net, net.node('Erf', [by('Mul', 0.7)(net, x)]))]));
    expect((await checkPass(modelOf(other, 20), gelu, 0)).report.changed).toBe(0);
    const cubic = onePlusTanh(by('Pow', 3), 0.0448);
    const near: Make = (net, x) => half(net, net.node('Mul', [x, cubic(net, x)]));
    expect((await checkPass(modelOf(near, 20), gelu, 0)).report.changed).toBe(0);
  });
});

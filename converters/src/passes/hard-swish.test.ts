import { describe, expect, it } from 'vitest';
import { float } from '../ir/attributes.ts';
import { tensorInfo } from '../ir/graph.ts';
import { checkPass } from '../testing/check-pass.ts';
import { NetBuilder } from '../testing/small-net.ts';
import { hardSwish } from './hard-swish.ts';

type Make = (net: NetBuilder, x: string) => string;

const number = (net: NetBuilder, n: number) => net.constant([], [n]);
const relu6: Make = (net, x) => net.relu6(net.node('Add', [number(net, 3), x]));
const gate: Make = (net, x) => net.node('Div', [relu6(net, x), number(net, 6)]);
const sigmoid: Make = (net, x) =>
  net.node('HardSigmoid', [x], { alpha: float(1 / 6), beta: float(0.5) });

const SWISHES: Readonly<Record<string, Make>> = {
  'x · (clip / 6)': (net, x) => net.node('Mul', [x, gate(net, x)]),
  '(clip · 1/6) · x': (net, x) =>
    net.node('Mul', [net.node('Mul', [relu6(net, x), number(net, 1 / 6)]), x]),
  '(x · clip) / 6': (net, x) =>
    net.node('Div', [net.node('Mul', [x, relu6(net, x)]), number(net, 6)]),
  '(x / 6) · clip': (net, x) =>
    net.node('Mul', [net.node('Div', [x, number(net, 6)]), relu6(net, x)]),
  'x · HardSigmoid': (net, x) => net.node('Mul', [x, sigmoid(net, x)]),
};

function modelOf(make: Make, opset = 14) {
  const net = new NetBuilder(1, [2, 50], opset);
  const scaled = net.node('Mul', ['input', number(net, 8)]);
  return net.output(make(net, scaled));
}

describe('hard-swish', () => {
  it.each(Object.entries(SWISHES))('finds %s', async (_, make) => {
    const { ops } = await checkPass(modelOf(make), hardSwish, 1e-6);
    expect(ops).toEqual(['Mul', 'HardSwish']);
  });

  it('finds HardSigmoid', async () => {
    expect((await checkPass(modelOf(gate), hardSwish, 1e-6)).ops).toEqual(['Mul', 'HardSigmoid']);
  });

  it('is no HardSwish with other constants, or other values', async () => {
    const half = modelOf((net, x) =>
      net.node('Mul', [x, net.node('Div', [relu6(net, x), number(net, 5)])]),
    );
    expect((await checkPass(half, hardSwish, 0)).report.changed).toBe(0);
    const other = modelOf((net, x) => net.node('Mul', [net.relu(x), sigmoid(net, x)]));
    expect((await checkPass(other, hardSwish, 0)).report.changed).toBe(0);
  });

  it('is none where a constant gives the result more dimensions', async () => {
    const wide = modelOf((net, x) =>
      net.node('Div', [net.node('Mul', [x, relu6(net, x)]), net.constant([1, 1, 1], [6])]),
    );
    expect((await checkPass(wide, hardSwish, 0)).report.changed).toBe(0);
  });

  it('says why not below opset 14, and where a part is used elsewhere', async () => {
    const old = await checkPass(
      modelOf((net, x) => net.node('Mul', [x, sigmoid(net, x)]), 13),
      hardSwish,
    );
    expect(old.report.declined).toEqual([expect.stringContaining('opset 14, the model has 13')]);
    const seen = modelOf((net, x) => net.node('Mul', [x, sigmoid(net, x)]));
    seen.graph.outputs.push(tensorInfo(seen.graph.nodes[1]!.outputs[0]!, 'float32'));
    const { report } = await checkPass(seen, hardSwish);
    expect(report.declined).toEqual([expect.stringContaining('is an output')]);
  });
});

import { describe, expect, it } from 'vitest';
import { ints } from '../ir/attributes.ts';
import { checkPass } from '../testing/check-pass.ts';
import { NetBuilder } from '../testing/small-net.ts';
import { layerNorm } from './layer-norm.ts';

const WIDTH = 6;

const mean = (net: NetBuilder, x: string) => net.node('ReduceMean', [x], { axes: ints([-1]) });
const number = (net: NetBuilder, n: number) => net.constant([], [n]);
const root = (net: NetBuilder, square: string) =>
  net.node('Sqrt', [net.node('Add', [mean(net, square), number(net, 1e-5)])]);

interface Form {
  readonly power?: boolean;
  readonly inverse?: boolean;
  readonly twice?: boolean;
  readonly bias?: boolean;
}

/** A normalization as exporters write it out. */
function written(net: NetBuilder, x: string, { power, inverse, twice, bias = true }: Form): string {
  const difference = net.node('Sub', [x, mean(net, x)]);
  const again = twice ? net.node('Sub', [x, mean(net, x)]) : difference;
  const square = power ? net.node('Pow', [again, number(net, 2)]) : net.node('Mul', [again, again]);
  const deviation = root(net, square);
  const normed = inverse
    ? net.node('Mul', [difference, net.node('Reciprocal', [deviation])])
    : net.node('Div', [difference, deviation]);
  const scaled = net.node('Mul', [net.weights([WIDTH], 6), normed]);
  return bias ? net.node('Add', [scaled, net.weights([WIDTH], 6)]) : scaled;
}

function modelOf(form: Form, opset = 17) {
  const net = new NetBuilder(1, [2, 3, WIDTH], opset);
  return net.output(net.relu(written(net, 'input', form)));
}

describe('layer-norm', () => {
  it.each<Form>([
    {},
    { power: true },
    { power: true, twice: true },
    { inverse: true },
    { bias: false },
  ])('finds LayerNormalization written as %o', async (form) => {
    const { ops } = await checkPass(modelOf(form), layerNorm);
    expect(ops).toEqual(['LayerNormalization', 'Relu']);
  });

  it('says why not below opset 17, and where a part is used elsewhere', async () => {
    const old = await checkPass(modelOf({}, 13), layerNorm, 0);
    expect(old.report.declined).toEqual([expect.stringContaining('opset 17, the model has 13')]);
    const net = new NetBuilder(1, [2, 3, WIDTH], 17);
    const whole = written(net, 'input', {});
    const deviation = net.model.graph.nodes.find(({ op }) => op === 'Sqrt')!.outputs[0]!;
    const { report } = await checkPass(
      net.output(net.node('Mul', [whole, deviation])),
      layerNorm,
      0,
    );
    expect(report.declined).toEqual([expect.stringContaining('used elsewhere')]);
  });

  it('finds RMSNormalization from opset 23 on', async () => {
    const net = new NetBuilder(1, [2, 3, WIDTH], 22);
    const square = net.node('Pow', ['input', number(net, 2)]);
    const squares = net.node('ReduceMean', [square, net.integers(-1)]);
    const deviation = net.node('Sqrt', [net.node('Add', [squares, number(net, 1e-6)])]);
    const normed = net.node('Div', ['input', deviation]);
    const model = net.output(net.node('Mul', [normed, net.weights([WIDTH], 6)]));
    const old = await checkPass(model, layerNorm, 0);
    expect(old.report.declined).toEqual([expect.stringContaining('opset 23')]);
    model.opsets.set('', 23);
    expect((await checkPass(model, layerNorm)).ops).toEqual(['RMSNormalization']);
  });
});

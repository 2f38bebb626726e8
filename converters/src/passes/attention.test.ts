import { describe, expect, it } from 'vitest';
import { int, ints } from '../ir/attributes.ts';
import { float32Tensor } from '../ir/tensor.ts';
import { checkPass } from '../testing/check-pass.ts';
import { NetBuilder } from '../testing/small-net.ts';
import { attention } from './attention.ts';

const [LENGTH, HEADS, SIZE] = [5, 2, 4];

interface Form {
  readonly turn?: readonly number[];
  readonly scale?: 'Mul' | 'Div';
  readonly mask?: boolean;
  /** Keys are the mean over heads, and broadcast to all. */
  readonly shared?: boolean;
}

function modelOf({ turn = [0, 1, 3, 2], scale, mask, shared }: Form, opset = 23) {
  const net = new NetBuilder(1, [1, LENGTH, HEADS, SIZE], opset);
  const heads = (x: string) => net.node('Transpose', [x], { perm: ints([0, 2, 1, 3]) });
  const [q, v] = [heads(net.relu('input')), heads(net.node('Neg', ['input']))];
  let k = turn[1] === 1 ? heads('input') : 'input';
  if (shared) k = net.node('ReduceMax', [k, net.integers(1)]);
  const turned = net.node('Transpose', [k], { perm: ints(turn) });
  let scores = net.node('MatMul', [q, turned]);
  if (scale) scores = net.node(scale, [scores, net.constant([], [scale === 'Div' ? 2 : 0.5])]);
  if (mask) scores = net.node('Add', [net.weights([LENGTH, LENGTH], 5), scores]);
  const weights = net.node('Softmax', [scores], { axis: int(-1) });
  return net.output(net.node('MatMul', [weights, v]));
}

describe('attention', () => {
  it.each<Form>([
    {},
    { scale: 'Div' },
    { scale: 'Mul', mask: true },
    { scale: 'Div', turn: [0, 2, 3, 1] },
  ])('is found, written as %o', async (form) => {
    const { ops } = await checkPass(modelOf(form), attention);
    expect(ops).toContain('Attention');
    expect(ops).not.toContain('Softmax');
  });

  it('is none where what is added is no mask', async () => {
    const model = modelOf({ mask: true });
    const sum = model.graph.nodes.find(({ op }) => op === 'Add')!;
    const mask = sum.inputs.find((name) => model.graph.initializers.has(name))!;
    model.graph.initializers.set(mask, float32Tensor([LENGTH], [1, 2, 3, 4, 5]));
    expect((await checkPass(model, attention, 0)).report.changed).toBe(0);
  });

  it('is none where heads are broadcast', async () => {
    expect((await checkPass(modelOf({ shared: true }), attention, 0)).report.changed).toBe(0);
  });

  it('says why not below opset 23', async () => {
    const { report } = await checkPass(modelOf({ scale: 'Div' }, 17), attention, 0);
    expect(report.declined).toEqual([expect.stringContaining('opset 23, the model has 17')]);
  });
});

import { describe, expect, it } from 'vitest';
import { smallNet } from '../testing/small-net.ts';
import { tensor } from './attributes.ts';
import { checkWeights } from './finite.ts';
import { makeNode } from './graph.ts';
import { float32Tensor, fromNumbers } from './tensor.ts';

describe('checkWeights', () => {
  it.each(['float32', 'float64', 'float16', 'bfloat16'] as const)(
    'names the constant of %s that holds NaN, and who takes it',
    (dtype) => {
      const { graph, ...model } = smallNet(1);
      const name = graph.nodes[0]!.inputs[1]!;
      graph.initializers.set(name, fromNumbers(dtype, [3], [1, Number.NaN, 2]));
      expect(() => checkWeights({ ...model, graph })).toThrow(
        /constant "constant_0", which node "node_conv_2" \(Conv\) takes, is NaN at element 1/,
      );
    },
  );

  it('finds NaN in a node that makes a constant', () => {
    const model = smallNet(1);
    const value = tensor(float32Tensor([2], [Number.NaN, 0]));
    model.graph.nodes.push(makeNode('Constant', 'made', [], ['weights'], [['value', value]]));
    expect(() => checkWeights(model)).toThrow(/constant "weights" is NaN at element 0/);
  });

  it('takes infinities, and models without NaN', () => {
    const model = smallNet(1);
    model.graph.initializers.set('mask', float32Tensor([2], [0, Number.NEGATIVE_INFINITY]));
    expect(() => checkWeights(model)).not.toThrow();
  });
});

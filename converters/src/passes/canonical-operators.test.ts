import { describe, expect, it } from 'vitest';
import { int, ints } from '../ir/attributes.ts';
import { checkPass } from '../testing/check-pass.ts';
import { NetBuilder } from '../testing/small-net.ts';
import { canonicalOperators } from './canonical-operators.ts';

type Make = (net: NetBuilder) => string;

const CASES: readonly (readonly [string, Make, readonly string[]])[] = [
  [
    'a difference with a constant',
    (net) => net.node('Sub', ['input', net.constant([3, 1, 1], [1, 2, 3])]),
    ['Add'],
  ],
  [
    'a difference from a constant',
    (net) => net.node('Sub', [net.constant([], [1]), 'input']),
    ['Sub'],
  ],
  ['a quotient', (net) => net.node('Div', ['input', net.constant([], [3])]), ['Mul']],
  [
    'a quotient that is rounded',
    (net) => net.node('Floor', [net.node('Div', ['input', net.constant([], [41])])]),
    ['Div', 'Floor'],
  ],
  [
    'a quotient by zero',
    (net) => net.node('Div', ['input', net.constant([3, 1, 1], [1, 0, 1])]),
    ['Div'],
  ],
  [
    'a quotient by next to nothing',
    (net) => net.node('Div', ['input', net.constant([], [1e-38])]),
    ['Div'],
  ],
  ['a sum of two', (net) => net.node('Sum', ['input', net.relu('input')]), ['Relu', 'Add']],
  ['a sum of three', (net) => net.node('Sum', ['input', 'input', 'input']), ['Sum']],
  [
    'a mean over the image',
    (net) => net.node('ReduceMean', ['input'], { axes: ints([-1, 2]) }),
    ['GlobalAveragePool'],
  ],
  [
    'such a mean without its axes',
    (net) => net.node('ReduceMean', ['input'], { axes: ints([2, 3]), keepdims: int(0) }),
    ['GlobalAveragePool', 'Flatten'],
  ],
  [
    'a mean over channels',
    (net) => net.node('ReduceMean', ['input'], { axes: ints([1, 2]) }),
    ['ReduceMean'],
  ],
  [
    'a pool of all',
    (net) => net.node('AveragePool', ['input'], { kernel_shape: ints([4, 5]) }),
    ['GlobalAveragePool'],
  ],
  [
    'a pool of less',
    (net) => net.node('AveragePool', ['input'], { kernel_shape: ints([4, 4]) }),
    ['AveragePool'],
  ],
];

describe('canonical-operators', () => {
  it('leaves a mean over the last of three axes, and a quotient that Gelu begins with', async () => {
    const net = new NetBuilder(1, [1, 3, 4]);
    const mean = net.node('ReduceMean', ['input'], { axes: ints([-1]) });
    const model = net.output(net.node('Erf', [net.node('Div', [mean, net.constant([], [1.4])])]));
    expect((await checkPass(model, canonicalOperators, 0)).report.changed).toBe(0);
  });

  it.each(CASES)('%s', async (_, make, expected) => {
    const net = new NetBuilder(1, [1, 3, 4, 5]);
    const { ops } = await checkPass(net.output(make(net)), canonicalOperators, 1e-6);
    expect(ops).toEqual(expected);
  });
});

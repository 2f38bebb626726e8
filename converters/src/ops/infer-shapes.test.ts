import { describe, expect, it } from 'vitest';
import { float, int, ints, string } from '../ir/attributes.ts';
import type { DataType } from '../ir/dtype.ts';
import { type Attribute, type Dim, makeGraph, makeNode, tensorInfo } from '../ir/graph.ts';
import { float32Tensor, int64Tensor, type TensorValue } from '../ir/tensor.ts';
import { inferFacts } from './facts.ts';
import { hasShapeRule } from './infer-shapes.ts';
import { OPERATORS } from './operators.ts';

type Given = readonly Dim[] | TensorValue | undefined;

interface Setting {
  readonly attributes?: Record<string, Attribute>;
  readonly dtype?: DataType;
  readonly outputs?: number;
  readonly domain?: string;
}

/** Shapes of the outputs of one node, whose inputs have these shapes or are these constants. */
function shapesOf(op: string, given: readonly Given[], setting: Setting = {}) {
  const { attributes = {}, dtype = 'float32', outputs = 1, domain = '' } = setting;
  const graph = makeGraph('g', [], []);
  const names = given.map((each, i) => {
    const name = `in_${i}`;
    if (each === undefined) return '';
    if ('bytes' in each) graph.initializers.set(name, each);
    else graph.inputs.push(tensorInfo(name, dtype, each));
    return name;
  });
  const made = Array.from({ length: outputs }, (_, i) => `out_${i}`);
  graph.nodes.push(makeNode(op, 'node', names, made, Object.entries(attributes), domain));
  const facts = inferFacts(graph, { declared: false }).get(graph);
  return made.map((name) => facts?.get(name)?.shape);
}

const list = (...values: number[]) => int64Tensor([values.length], values);
const PICTURE = ['n', 3, 'h', 'w'];

describe('shapes', () => {
  const kernel = { kernel_shape: ints([3, 3]), strides: ints([2, 2]) };
  it.each<[string, string, readonly Given[], readonly Dim[] | undefined, Setting?]>([
    [
      'Conv',
      'pads and strides',
      [PICTURE, [8, 3, 3, 3]],
      ['n', 8, 'floor((h + 1)/2)', 'floor((w + 1)/2)'],
      { attributes: { strides: ints([2, 2]), pads: ints([1, 1, 1, 1]) } },
    ],
    [
      'Conv',
      'SAME',
      [
        [1, 3, 7, 8],
        [8, 3, 3, 3],
      ],
      [1, 8, 4, 4],
      { attributes: { strides: ints([2, 2]), auto_pad: string('SAME_UPPER') } },
    ],
    [
      'MaxPool',
      'ceil_mode',
      [[1, 3, 8, 8]],
      [1, 3, 4, 4],
      { attributes: { ...kernel, ceil_mode: int(1) } },
    ],
    [
      'ConvTranspose',
      'output padding',
      [
        ['n', 8, 4, 'w'],
        [8, 2, 3, 3],
      ],
      ['n', 4, 10, '2*w + 2'],
      { attributes: { strides: ints([2, 2]), output_padding: ints([1, 1]), group: int(2) } },
    ],
    [
      'MatMul',
      'batches',
      [
        ['n', 4, 5],
        [5, 'm'],
      ],
      ['n', 4, 'm'],
    ],
    ['Slice', 'an end before every size', [['n'], list(0), list(-(2 ** 31))], [null]],
    [
      'Slice',
      'backwards to an end behind every size',
      [['n'], list(-1), list(2 ** 31 - 1), list(0), list(-1)],
      [null],
    ],
    [
      'Slice',
      'backwards as a whole',
      [['n'], list(-1), list(-(2 ** 31)), list(0), list(-1)],
      ['n'],
    ],
    ['MatMul', 'a vector', [['n', 4, 5], [5]], ['n', 4]],
    [
      'Einsum',
      'an ellipsis',
      [
        ['a', 'b', 3, 4],
        ['b', 4, 5],
      ],
      ['a', 'b', 3, 5],
      { attributes: { equation: string('...ij,...jk->...ik') } },
    ],
    ['Reshape', '−1 and 0', [['n', 3, 8, 2], list(0, -1, 4)], ['n', 12, 4]],
    [
      'Concat',
      'sizes of different names',
      [
        ['a', 3],
        ['b', 3],
      ],
      ['a + b', 3],
      { attributes: { axis: int(0) } },
    ],
    ['Slice', 'ends counted from behind', [['n', 9], list(0, 1), list(-1, 9)], ['n + -1', 8]],
    ['Slice', 'steps backwards', [['n', 9], list(-1), list(-1000), list(1), list(-2)], ['n', 5]],
    ['Slice', 'of a size that may be shorter', [['n', 9], list(0), list(5)], [null, 9]],
    ['Pad', 'both ends', [['n', 3], list(0, 1, 2, 1)], ['n + 2', 5]],
    ['Tile', 'repeats', [['n', 3], list(2, 2)], ['2*n', 6]],
    ['Expand', 'broadcasting', [[1, 'n'], list(4, 1)], [4, 'n']],
    [
      'Resize',
      'whole scales',
      [PICTURE, undefined, float32Tensor([4], [1, 1, 2, 2])],
      ['n', 3, '2*h', '2*w'],
    ],
    ['Resize', 'sizes', [PICTURE, undefined, undefined, list(1, 3, 5, 6)], [1, 3, 5, 6]],
    [
      'Gather',
      'an axis',
      [
        ['n', 5, 6],
        [2, 'k'],
      ],
      ['n', 2, 'k', 6],
      { attributes: { axis: int(1) } },
    ],
    [
      'GatherND',
      'batches',
      [
        ['n', 5, 6],
        ['n', 4, 1],
      ],
      ['n', 4, 6],
      { attributes: { batch_dims: int(1) } },
    ],
    ['OneHot', 'a depth', [['n', 5], list(7), [2]], ['n', 5, 7]],
    ['Range', 'whole steps', [list(1), list(10), list(2)], [5]],
    [
      'DepthToSpace',
      'blocks',
      [[1, 12, 'h', 4]],
      [1, 3, '2*h', 8],
      { attributes: { blocksize: int(2) } },
    ],
    ['Col2Im', 'blocks', [[1, 12, 9], list(4, 4), list(2, 2)], [1, 3, 4, 4]],
    ['GridSample', 'a grid', [PICTURE, ['n', 6, 7, 2]], ['n', 3, 6, 7]],
    [
      'RoiAlign',
      'regions',
      [PICTURE, ['r', 4], ['r']],
      ['r', 3, 2, 5],
      { attributes: { output_height: int(2), output_width: int(5) } },
    ],
    [
      'NonMaxSuppression',
      'a count that is not known',
      [
        [1, 6, 4],
        [1, 2, 6],
      ],
      [null, 3],
    ],
    ['STFT', 'frames', [[1, 128, 1], list(8), undefined, list(16)], [1, 15, 9, 2]],
    [
      'QLinearConv',
      'weights at 3',
      [[1, 3, 8, 8], [], [], [4, 3, 1, 1], [], [], [], []],
      [1, 4, 8, 8],
    ],
    ['ReduceSum', 'axes not known', [['n', 3], [1]], [null, null]],
    ['ConstantOfShape', 'a bomb', [list(1e6, 1e6)], [1e6, 1e6]],
    ['Reshape', 'senseless sizes', [[4], list(-7, 3)], [null, 3]],
    ['Transpose', 'senseless axes', [[4, 5]], [null, 4], { attributes: { perm: ints([9, 0]) } }],
  ])('%s, %s', (op, _, given, expected, setting) => {
    expect(shapesOf(op, given, setting)).toEqual([expected]);
  });

  it('of equal parts are known, of parts that may leave a smaller one not', () => {
    const half = (size: string, attributes: Record<string, Attribute>) =>
      shapesOf('Split', [[size]], { attributes, outputs: 2 })[1];
    const counted = { num_outputs: int(2) };
    expect(half('n', {})).toEqual(['floor((n)/2)']);
    expect(half('n', counted)).toEqual([null]);
    expect(half('2*n + 2', counted)).toEqual(['n + 1']);
  });

  it.each<[string, readonly Given[], readonly (readonly Dim[] | undefined)[], Setting?]>([
    [
      'Split',
      [['n', 7]],
      [
        ['n', 3],
        ['n', 3],
        ['n', 1],
      ],
      { outputs: 3, attributes: { axis: int(1) } },
    ],
    [
      'Split',
      [['n', 7], list(2, 5)],
      [
        ['n', 2],
        ['n', 5],
      ],
      { outputs: 2, attributes: { axis: int(1) } },
    ],
    [
      'TopK',
      [['n', 9], list(4)],
      [
        ['n', 4],
        ['n', 4],
      ],
      { outputs: 2 },
    ],
    [
      'MaxPool',
      [[1, 3, 8, 8]],
      [
        [1, 3, 4, 4],
        [1, 3, 4, 4],
      ],
      { outputs: 2, attributes: { kernel_shape: ints([2, 2]), strides: ints([2, 2]) } },
    ],
    [
      'LSTM',
      [
        ['t', 'n', 5],
        [2, 16, 5],
        [2, 16, 4],
      ],
      [
        ['t', 2, 'n', 4],
        [2, 'n', 4],
        [2, 'n', 4],
      ],
      { outputs: 3, attributes: { direction: string('bidirectional'), hidden_size: int(4) } },
    ],
    [
      'LayerNormalization',
      [['n', 5, 6], [6]],
      [
        ['n', 5, 6],
        ['n', 5, 1],
        ['n', 5, 1],
      ],
      { outputs: 3 },
    ],
    ['Unique', [['n', 6]], [[null], [null], [null], [null]], { outputs: 4 }],
    [
      'Attention',
      [
        ['n', 'q', 8],
        ['n', 'k', 8],
        ['n', 'k', 8],
      ],
      [
        ['n', 'q', 8],
        ['n', 2, 'k', 4],
      ],
      { outputs: 2, attributes: { q_num_heads: int(2), kv_num_heads: int(2) } },
    ],
  ])('of all outputs of %s', (op, given, expected, setting) => {
    expect(shapesOf(op, given, setting)).toEqual(expected);
  });

  it.each<[string, readonly Given[], readonly Dim[], Setting?]>([
    [
      'MatMulNBits',
      [['n', 't', 64], [32, 1, 16], [32]],
      ['n', 't', 32],
      { attributes: { K: int(64), N: int(32) } },
    ],
    [
      'FusedMatMul',
      [
        ['n', 64, 't'],
        [64, 8],
      ],
      ['n', 't', 8],
      { attributes: { transA: int(1), alpha: float(1) } },
    ],
    [
      'FusedConv',
      [
        [1, 3, 8, 8],
        [4, 3, 3, 3],
      ],
      [1, 4, 6, 6],
    ],
    ['QLinearAdd', [['n', 4], [], [], [4], [], [], [], []], ['n', 4]],
    ['Gelu', [['n', 4]], ['n', 4]],
  ])('of com.microsoft.%s', (op, given, expected, setting) => {
    expect(shapesOf(op, given, { ...setting, domain: 'com.microsoft' })).toEqual([expected]);
  });
});

it('has a rule for every operator whose outputs are tensors', () => {
  const without = Object.keys(OPERATORS).filter((op) => !hasShapeRule(op));
  expect(without).toEqual([
    'ConcatFromSequence',
    'If',
    'Loop',
    'Optional',
    'OptionalGetElement',
    'Scan',
    'SequenceAt',
    'SequenceConstruct',
    'SequenceEmpty',
    'SequenceErase',
    'SequenceInsert',
    'SequenceMap',
    'SplitToSequence',
  ]);
});

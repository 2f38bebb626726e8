import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { float, int, ints } from '../../ir/attributes.ts';
import { DATA_TYPES, type DataType } from '../../ir/dtype.ts';
import { type Attribute, makeNode } from '../../ir/graph.ts';
import { float32Tensor, fromNumbers, int64Tensor, type TensorValue } from '../../ir/tensor.ts';
import { runModel } from '../../testing/run-model.ts';
import { type SingleOp, singleOpModel } from '../../testing/single-op.ts';
import { bytesOf, feedOf } from '../../testing/tensors.ts';
import { inferFacts } from '../facts.ts';
import { evaluate } from './index.ts';

const RUNS = 12;

function evaluateOp({ op, inputs, attributes = {} }: SingleOp): TensorValue | undefined {
  const names = inputs.map((_, i) => `in_${i}`);
  return evaluate(makeNode(op, op, names, ['out'], Object.entries(attributes)), inputs);
}

/** What we compute must be, bit for bit, what ONNX Runtime computes; and shapes as inferred. */
async function agreesWithRuntime(single: SingleOp): Promise<void> {
  const ours = evaluateOp(single);
  const feeds = Object.fromEntries(single.inputs.map((input, i) => [`in_${i}`, feedOf(input)]));
  const model = singleOpModel(single);
  const { outputs } = await runModel(model, feeds);
  const theirs = outputs.out!;
  expect(ours?.dims).toEqual([...theirs.shape]);
  expect(ours?.bytes).toEqual(bytesOf(theirs));
  const facts = inferFacts(model.graph, { declared: false }).get(model.graph)?.get('out');
  expect(facts?.dtype ?? ours?.dtype).toBe(ours?.dtype);
  for (const [axis, dim] of (facts?.shape ?? []).entries()) {
    if (dim !== null) expect(theirs.shape[axis]).toBe(dim);
  }
}

const smallDims = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 });
const numericType = fc.constantFrom<DataType>('float32', 'int64', 'int32');

function tensorOf(dtype: DataType, dims: readonly number[], seed: number): TensorValue {
  const count = dims.reduce((all, dim) => all * dim, 1);
  const scale = dtype.startsWith('float') ? 0.37 : 1;
  const values = Array.from({ length: count }, (_, i) => (((i + seed) * 7) % 23) * scale - 5);
  return fromNumbers(dtype, dims, dtype.startsWith('float') ? values : values.map(Math.trunc));
}

const anyTensor = fc
  .tuple(numericType, smallDims, fc.integer({ min: 0, max: 50 }))
  .map(([dtype, dims, seed]) => tensorOf(dtype, dims, seed));

function check(build: (tensor: TensorValue, seed: number) => SingleOp): Promise<void> {
  const property = fc.asyncProperty(anyTensor, fc.nat(1000), (tensor, seed) =>
    agreesWithRuntime(build(tensor, seed)),
  );
  return fc.assert(property, { numRuns: RUNS });
}

describe('operators computed here agree with ONNX Runtime', () => {
  it.each(['Add', 'Sub', 'Mul', 'Div', 'Max', 'Min'])('%s, broadcasting', (op) =>
    check((tensor, seed) => {
      const dims = tensor.dims.map((dim, axis) => ((seed >> axis) & 1 ? dim : 1));
      const other = tensorOf(tensor.dtype, dims.slice(seed % tensor.dims.length), seed + 1);
      const safe = fromNumbers(
        other.dtype,
        other.dims,
        Array.from(
          { length: other.bytes.length / (DATA_TYPES[other.dtype].bits / 8) },
          (_, i) => i + 1,
        ),
      );
      return { op, inputs: [tensor, op === 'Div' ? safe : other] };
    }),
  );

  it.each(['Equal', 'Less', 'Greater', 'LessOrEqual', 'GreaterOrEqual'])('%s', (op) =>
    check((tensor, seed) => ({ op, inputs: [tensor, tensorOf(tensor.dtype, tensor.dims, seed)] })),
  );

  it('Transpose', () =>
    check((tensor, seed) => {
      const axes = tensor.dims.map((_, axis) => axis);
      const shift = seed % axes.length;
      return {
        op: 'Transpose',
        inputs: [tensor],
        attributes: { perm: ints([...axes.slice(shift), ...axes.slice(0, shift)]) },
      };
    }));

  it('Concat', () =>
    check((tensor, seed) => {
      const axis = seed % tensor.dims.length;
      const longer = tensorOf(tensor.dtype, tensor.dims.with(axis, 1 + (seed % 3)), seed);
      return { op: 'Concat', inputs: [tensor, longer], attributes: { axis: int(axis) } };
    }));

  it('Gather, counting from either end', () =>
    check((tensor, seed) => {
      const axis = seed % tensor.dims.length;
      const size = tensor.dims[axis]!;
      const indices = int64Tensor([2, 1], [seed % size, -1 - (seed % size)]);
      return { op: 'Gather', inputs: [tensor, indices], attributes: { axis: int(axis) } };
    }));

  it('Slice, with steps and ends out of range', () =>
    check((tensor, seed) => {
      const axis = seed % tensor.dims.length;
      const step = [1, 2, -1, -2][seed % 4]!;
      const [from, to] = [(seed % 9) - 4, ((seed >> 3) % 13) - 6];
      const range = [from, to, axis, step].map((value) => int64Tensor([1], [value]));
      return { op: 'Slice', inputs: [tensor, ...range] };
    }));

  it('Expand and Tile', async () => {
    await check((tensor) => ({
      op: 'Tile',
      inputs: [
        tensor,
        int64Tensor(
          [tensor.dims.length],
          tensor.dims.map((_, i) => (i % 2) + 1),
        ),
      ],
    }));
    await check((tensor) => ({
      op: 'Expand',
      inputs: [tensor, int64Tensor([tensor.dims.length + 1], [2, ...tensor.dims])],
    }));
  });

  it('Reshape, Squeeze, Unsqueeze and Flatten', async () => {
    await check((tensor) => ({ op: 'Reshape', inputs: [tensor, int64Tensor([2], [0, -1])] }));
    await check((tensor) => ({ op: 'Unsqueeze', inputs: [tensor, int64Tensor([2], [0, -1])] }));
    await check((tensor) => ({
      op: 'Squeeze',
      inputs: [
        fromNumbers('float32', [1, ...tensor.dims], new Float64Array(count(tensor))),
        int64Tensor([1], [0]),
      ],
    }));
    await check((tensor, seed) => ({
      op: 'Flatten',
      inputs: [tensor],
      attributes: { axis: int(seed % (tensor.dims.length + 1)) },
    }));
  });

  it.each(['float32', 'float16', 'int64', 'int32', 'bool'] as const)('Cast to %s', (to) =>
    check((tensor) => ({
      op: 'Cast',
      inputs: [tensor],
      attributes: { to: int(DATA_TYPES[to].code) },
    })),
  );

  it.each(['ReduceMax', 'ReduceMin', 'ReduceProd'])('%s of integers', (op) =>
    check((tensor, seed) => ({
      op,
      inputs: [tensorOf('int64', tensor.dims, seed)],
      attributes: { axes: ints([seed % tensor.dims.length]), keepdims: int(seed & 1) },
    })),
  );

  it.each(['Neg', 'Abs', 'Floor', 'Ceil', 'Sqrt'])('%s', (op) =>
    check((tensor, seed) => {
      const positive = tensorOf('float32', tensor.dims, seed);
      const values = Float32Array.from({ length: count(positive) }, (_, i) => (i + 1) * 0.7);
      return { op, inputs: [op === 'Sqrt' ? float32Tensor(positive.dims, values) : positive] };
    }),
  );

  it('Where, Range, Size and NonZero', async () => {
    const mask = fromNumbers('bool', [2, 1], [1, 0]);
    const [yes, no] = [tensorOf('float32', [2, 3], 1), tensorOf('float32', [3], 5)];
    await agreesWithRuntime({ op: 'Where', inputs: [mask, yes, no] });
    const range = [2, 11, 3].map((value) => int64Tensor([], [value]));
    await agreesWithRuntime({ op: 'Range', inputs: range });
    await agreesWithRuntime({ op: 'Size', inputs: [yes] });
    await agreesWithRuntime({ op: 'NonZero', inputs: [int64Tensor([4], [0, 3, 0, 1])] });
  });

  it('Cast to bool, NaN too', () =>
    agreesWithRuntime({
      op: 'Cast',
      inputs: [float32Tensor([3], [Number.NaN, -0, 0.1])],
      attributes: { to: int(DATA_TYPES.bool.code) },
    }));
});

function count(tensor: TensorValue): number {
  return tensor.dims.reduce((all, dim) => all * dim, 1);
}

/** Takes the first of each of these axes. */
function sliceOf(axes: number, axisOf: (i: number) => number): SingleOp {
  const list = (value: (i: number) => number) =>
    int64Tensor(
      [axes],
      Array.from({ length: axes }, (_, i) => value(i)),
    );
  const range = [list(() => 0), list(() => 1), list(axisOf)];
  return { op: 'Slice', inputs: [float32Tensor([2, 2], [1, 2, 3, 4]), ...range] };
}

describe('what is left to the runtime', () => {
  const attributes: Record<string, Attribute> = { alpha: float(1) };

  it.each<[string, SingleOp]>([
    [
      'an operator that is not in the table',
      { op: 'Elu', inputs: [float32Tensor([1], [1])], attributes },
    ],
    [
      'an integer division by zero',
      { op: 'Div', inputs: [int64Tensor([1], [1]), int64Tensor([1], [0])] },
    ],
    [
      'a cast out of the range of the type',
      {
        op: 'Cast',
        inputs: [float32Tensor([1], [1e30])],
        attributes: { to: int(DATA_TYPES.int64.code) },
      },
    ],
    [
      'shapes that do not broadcast',
      { op: 'Add', inputs: [int64Tensor([2], [1, 2]), int64Tensor([3], [1, 2, 3])] },
    ],
    [
      'an index out of range',
      { op: 'Gather', inputs: [int64Tensor([2], [1, 2]), int64Tensor([1], [5])] },
    ],
    [
      'a cast of an integer that is rounded on the way',
      {
        op: 'Cast',
        inputs: [int64Tensor([1], [9007199791611905n])],
        attributes: { to: int(DATA_TYPES.float32.code) },
      },
    ],
    [
      'a range of floats, which runtimes add up each in its way',
      { op: 'Range', inputs: [0.1, 30.05, 0.3].map((value) => float32Tensor([], [value])) },
    ],
    ['one axis sliced twice', sliceOf(2, () => 0)],
    ['a slice of more axes than there are', sliceOf(100_000, () => 0)],
    [
      'a slice without all its ends',
      { op: 'Slice', inputs: sliceOf(2, (i) => i).inputs.with(2, int64Tensor([1], [1])) },
    ],
    [
      'more dimensions than any operator needs',
      {
        op: 'Unsqueeze',
        inputs: [float32Tensor([1], [1]), int64Tensor([200_000], Array(200_000).keys())],
      },
    ],
    [
      'a fill beyond the limit',
      { op: 'ConstantOfShape', inputs: [int64Tensor([2], [100_000, 100_000])] },
    ],
  ])('%s', (_, single) => {
    expect(evaluateOp(single)).toBeUndefined();
  });

  it('keeps 64-bit integers exact', () => {
    const big = 2n ** 62n + 1n;
    const sum = evaluateOp({
      op: 'Add',
      inputs: [int64Tensor([1], [big]), int64Tensor([1], [big])],
    });
    expect(sum).toEqual(int64Tensor([1], [BigInt.asIntN(64, 2n * big)]));
  });
});

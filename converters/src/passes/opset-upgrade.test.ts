import { isFlotillaError } from '@flotilla/protocol';
import { describe, expect, it } from 'vitest';
import { float, floats, int, intAttribute, ints, string } from '../ir/attributes.ts';
import { cloneModel, isOp, type Model, opsetOf, tensorInfo } from '../ir/graph.ts';
import { float32Tensor, fromNumbers, int64Tensor, type TensorValue } from '../ir/tensor.ts';
import { relativeError, runModel } from '../testing/run-model.ts';
import { constantInputsModel, type SingleOp, singleOpModel } from '../testing/single-op.ts';
import { feedOf } from '../testing/tensors.ts';
import { opsetUpgrade } from './opset-upgrade.ts';
import { runPassList } from './pass.ts';

const IMAGE = ramp([1, 4, 6, 6]);

function ramp(dims: readonly number[]): TensorValue {
  const count = dims.reduce((all, dim) => all * dim, 1);
  return float32Tensor(
    dims,
    Array.from({ length: count }, (_, i) => Math.sin(i) * 3),
  );
}

async function upgrade(model: Model, opset: number): Promise<Model> {
  const copy = cloneModel(model);
  await runPassList(copy, [opsetUpgrade], { opset });
  return copy;
}

/** The node of the model itself, whatever stands beside it after the upgrade. */
function nodeOf(model: Model, op: string) {
  return model.graph.nodes.find((node) => isOp(node, op))!;
}

describe('opset upgrade leaves the results as ONNX Runtime had them', () => {
  it.each<[string, SingleOp & { opset: number }]>([
    [
      'Softmax over several dimensions',
      { op: 'Softmax', opset: 11, inputs: [IMAGE], attributes: { axis: int(1) } },
    ],
    ['Softmax without an axis', { op: 'Softmax', opset: 9, inputs: [ramp([3, 5])] }],
    [
      'Softmax before dimensions of size 1',
      { op: 'Softmax', opset: 7, inputs: [ramp([2, 9, 1, 1])] },
    ],
    [
      'LogSoftmax from the back',
      { op: 'LogSoftmax', opset: 11, inputs: [IMAGE], attributes: { axis: int(-2) } },
    ],
    [
      'Hardmax',
      { op: 'Hardmax', opset: 11, inputs: [ramp([2, 3, 4])], attributes: { axis: int(1) } },
    ],
    [
      'Clip by attributes',
      { op: 'Clip', opset: 7, inputs: [IMAGE], attributes: { min: float(-1), max: float(1.5) } },
    ],
    [
      'Clip with one limit',
      { op: 'Clip', opset: 10, inputs: [IMAGE], attributes: { max: float(0.5) } },
    ],
    [
      'Clip of float16',
      {
        op: 'Clip',
        opset: 7,
        inputs: [fromNumbers('float16', [3], [-9, 1, 9])],
        attributes: { min: float(-1) },
      },
    ],
    [
      'Pad with zeros',
      {
        op: 'Pad',
        opset: 9,
        inputs: [IMAGE],
        attributes: { pads: ints([0, 0, 1, 2, 0, 0, 3, 0]) },
      },
    ],
    [
      'Pad with a value',
      {
        op: 'Pad',
        opset: 9,
        inputs: [ramp([2, 2])],
        attributes: { pads: ints([1, 0, 0, 1]), value: float(4) },
      },
    ],
    [
      'Pad by reflection',
      {
        op: 'Pad',
        opset: 9,
        inputs: [ramp([4, 4])],
        attributes: { pads: ints([1, 1, 1, 1]), mode: string('reflect') },
      },
    ],
    [
      'Slice',
      {
        op: 'Slice',
        opset: 9,
        inputs: [IMAGE],
        attributes: { starts: ints([1, -4]), ends: ints([3, 100]), axes: ints([1, 3]) },
      },
    ],
    [
      'Slice without axes',
      {
        op: 'Slice',
        opset: 9,
        inputs: [ramp([4, 4])],
        attributes: { starts: ints([1, 1]), ends: ints([3, 4]) },
      },
    ],
    [
      'Squeeze',
      {
        op: 'Squeeze',
        opset: 11,
        inputs: [ramp([1, 3, 1, 2])],
        attributes: { axes: ints([0, 2]) },
      },
    ],
    ['Squeeze of everything', { op: 'Squeeze', opset: 11, inputs: [ramp([1, 3, 1, 2])] }],
    [
      'Unsqueeze',
      { op: 'Unsqueeze', opset: 11, inputs: [ramp([3, 2])], attributes: { axes: ints([0, 3]) } },
    ],
    [
      'ReduceSum',
      {
        op: 'ReduceSum',
        opset: 11,
        inputs: [IMAGE],
        attributes: { axes: ints([1, -1]), keepdims: int(0) },
      },
    ],
    [
      'Split by sizes',
      {
        op: 'Split',
        opset: 11,
        outputs: 2,
        inputs: [IMAGE],
        attributes: { axis: int(1), split: ints([1, 3]) },
      },
    ],
    [
      'Split in equal parts',
      { op: 'Split', opset: 11, outputs: 2, inputs: [IMAGE], attributes: { axis: int(1) } },
    ],
    [
      'TopK',
      { op: 'TopK', opset: 9, outputs: 2, inputs: [ramp([2, 7])], attributes: { k: int(3) } },
    ],
    ['Dropout', { op: 'Dropout', opset: 7, inputs: [IMAGE], attributes: { ratio: float(0.4) } }],
    [
      'BatchNormalization',
      {
        op: 'BatchNormalization',
        opset: 7,
        inputs: [IMAGE, ...[1, 2, 3, 4].map((k) => float32Tensor([4], [k, 1, 0.5, 2]))],
        attributes: { momentum: float(0.9) },
      },
    ],
    [
      'Upsample by attributes',
      {
        op: 'Upsample',
        opset: 7,
        inputs: [IMAGE],
        attributes: { scales: floats([1, 1, 2, 3]), mode: string('nearest') },
      },
    ],
    [
      'Upsample by a linear ramp',
      {
        op: 'Upsample',
        opset: 9,
        inputs: [IMAGE, float32Tensor([4], [1, 1, 2, 2])],
        attributes: { mode: string('linear') },
      },
    ],
    [
      'Upsample by a fraction',
      { op: 'Upsample', opset: 9, inputs: [IMAGE, float32Tensor([4], [1, 1, 1.5, 2.5])] },
    ],
    [
      'Resize that enlarges',
      {
        op: 'Resize',
        opset: 10,
        inputs: [IMAGE, float32Tensor([4], [1, 1, 1.5, 2])],
        attributes: { mode: string('nearest') },
      },
    ],
    [
      'Resize that shrinks',
      {
        op: 'Resize',
        opset: 10,
        inputs: [IMAGE, float32Tensor([4], [1, 1, 0.5, 0.6])],
        attributes: { mode: string('nearest') },
      },
    ],
    [
      'Resize by a linear ramp',
      {
        op: 'Resize',
        opset: 10,
        inputs: [IMAGE, float32Tensor([4], [1, 1, 0.5, 2])],
        attributes: { mode: string('linear') },
      },
    ],
    [
      'Scatter',
      {
        op: 'Scatter',
        opset: 9,
        inputs: [ramp([3, 3]), int64Tensor([1, 3], [2, 0, 1]), ramp([1, 3])],
      },
    ],
    [
      'Affine',
      { op: 'Affine', opset: 7, inputs: [IMAGE], attributes: { alpha: float(2), beta: float(-1) } },
    ],
    [
      'ImageScaler',
      {
        op: 'ImageScaler',
        opset: 7,
        inputs: [ramp([1, 3, 2, 2])],
        attributes: { scale: float(0.5), bias: floats([1, 2, 3]) },
      },
    ],
    ['Crop', { op: 'Crop', opset: 7, inputs: [IMAGE], attributes: { border: ints([1, 0, 2, 3]) } }],
    [
      'Crop to a size',
      {
        op: 'Crop',
        opset: 7,
        inputs: [IMAGE],
        attributes: { border: ints([1, 2, 0, 0]), scale: ints([3, 2]) },
      },
    ],
    [
      'ScaledTanh',
      {
        op: 'ScaledTanh',
        opset: 7,
        inputs: [IMAGE],
        attributes: { alpha: float(2), beta: float(0.5) },
      },
    ],
  ])('%s', async (_, single) => {
    const feeds = Object.fromEntries(single.inputs.map((input, i) => [`in_${i}`, feedOf(input)]));
    for (const [model, fed] of [
      [singleOpModel(single), feeds],
      [constantInputsModel(single), { in_0: feeds.in_0! }],
    ] as const) {
      if (model.graph.inputs.length > 1 && single.op === 'Resize') continue;
      const before = await runModel(model, fed);
      for (const opset of [13, 18, 21]) {
        const upgraded = await upgrade(model, opset);
        const { outputs } = await runModel(upgraded, fed);
        expect(relativeError(before.outputs, outputs)).toBeLessThan(1e-6);
        expect(opsetOf(upgraded)).toBe(opset);
      }
    }
  });

  it.each(['ReduceMean', 'ReduceMax', 'ReduceL2'])('%s from 13 to 18', async (op) => {
    const attributes = { axes: ints([1, 2]), keepdims: int(0) };
    const model = singleOpModel({ op, opset: 13, inputs: [IMAGE], attributes });
    const feeds = { in_0: feedOf(IMAGE) };
    const { outputs } = await runModel(model, feeds);
    const after = await runModel(await upgrade(model, 18), feeds);
    expect(relativeError(outputs, after.outputs)).toBeLessThan(1e-6);
  });
});

describe('operators older than ONNX Runtime runs', () => {
  it('lines an operand up where `axis` says', async () => {
    const attributes = { broadcast: int(1), axis: int(1), consumed_inputs: ints([0, 0]) };
    const inputs = [IMAGE, float32Tensor([4], [10, 20, 30, 40])];
    const model = constantInputsModel({ op: 'Add', opset: 1, inputs, attributes });
    const upgraded = await upgrade(model, 13);
    const { outputs } = await runModel(upgraded, { in_0: feedOf(IMAGE) });
    const sums = outputs.out!.data as Float32Array;
    expect(sums[36]).toBeCloseTo(Math.sin(36) * 3 + 20, 4);
    expect([...nodeOf(upgraded, 'Add').attributes.keys()]).toEqual([]);
  });

  it('lines up an operand that is no constant', async () => {
    const attributes = { broadcast: int(1), axis: int(0) };
    const inputs = [ramp([2, 3]), float32Tensor([2], [10, 20])];
    const model = await upgrade(singleOpModel({ op: 'Mul', opset: 6, inputs, attributes }), 13);
    const feeds = { in_0: feedOf(inputs[0]!), in_1: feedOf(inputs[1]!) };
    const { outputs } = await runModel(model, feeds);
    expect((outputs.out!.data as Float32Array)[3]).toBeCloseTo(Math.sin(3) * 3 * 20, 3);
  });

  it('gives PRelu a slope for each channel', async () => {
    const inputs = [ramp([1, 2, 2, 2]), float32Tensor([2], [0.5, 2])];
    const model = await upgrade(constantInputsModel({ op: 'PRelu', opset: 6, inputs }), 13);
    const { outputs } = await runModel(model, { in_0: feedOf(inputs[0]!) });
    const values = outputs.out!.data as Float32Array;
    expect(values[5]).toBeCloseTo(Math.sin(5) * 3 * 2, 4);
  });

  it('takes a shape, a type and scales from attributes', async () => {
    const reshape = {
      op: 'Reshape',
      opset: 1,
      inputs: [ramp([2, 3])],
      attributes: { shape: ints([3, 2]) },
    };
    const shape = (await upgrade(singleOpModel(reshape), 13)).graph.initializers.get(
      'Reshape_shape',
    );
    expect(shape).toEqual(int64Tensor([2], [3, 2]));
    const cast = { op: 'Cast', opset: 1, inputs: [ramp([2])], attributes: { to: string('INT64') } };
    expect(intAttribute(nodeOf(await upgrade(singleOpModel(cast), 13), 'Cast'), 'to', 0)).toBe(7);
    const scales = { height_scale: float(2), width_scale: float(3), mode: string('bilinear') };
    const upsample = { op: 'Upsample', opset: 1, inputs: [IMAGE], attributes: scales };
    const resized = await upgrade(singleOpModel(upsample), 13);
    expect(nodeOf(resized, 'Resize').inputs).toEqual(['in_0', '', 'Upsample_scales']);
  });
});

describe('what has no way to a newer opset', () => {
  it.each<[string, SingleOp]>([
    ['an operator that ai.onnx never had', { op: 'Frobnicate', opset: 9, inputs: [IMAGE] }],
    ['an operator from a later opset', { op: 'Gelu', opset: 9, inputs: [IMAGE] }],
    [
      'normalization of each element apart',
      {
        op: 'BatchNormalization',
        opset: 7,
        inputs: [IMAGE, IMAGE, IMAGE, IMAGE, IMAGE],
        attributes: { spatial: int(0) },
      },
    ],
  ])('%s is refused by name', async (_, single) => {
    const error = await catchError(() => upgrade(singleOpModel(single), 13));
    expect(isFlotillaError(error, 'model.opset-unsupported') && error.context).toMatchObject({
      node: single.op,
      op: single.op,
      to: 13,
    });
  });

  it('needs to know the rank where operands are lined up', async () => {
    const inputs = [IMAGE, float32Tensor([4], [1, 2, 3, 4])];
    const attributes = { broadcast: int(1), axis: int(1) };
    const model = constantInputsModel({ op: 'Add', opset: 6, inputs, attributes });
    model.graph.inputs = [tensorInfo('in_0', 'float32')];
    await expect(upgrade(model, 13)).rejects.toThrow(/rank/);
  });
});

it('leaves a model above the target opset as it is', async () => {
  const model = singleOpModel({ op: 'Softmax', opset: 17, inputs: [IMAGE] });
  const copy = cloneModel(model);
  expect((await runPassList(copy, [opsetUpgrade], { opset: 13 }))[0]?.changed).toBe(0);
  expect(copy).toEqual(model);
});

async function catchError(action: () => Promise<unknown>): Promise<unknown> {
  try {
    await action();
    return undefined;
  } catch (error) {
    return error;
  }
}

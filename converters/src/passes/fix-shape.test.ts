import { describe, expect, it } from 'vitest';
import { int, ints, tensor } from '../ir/attributes.ts';
import { type Model, tensorInfo } from '../ir/graph.ts';
import { int64Tensor } from '../ir/tensor.ts';
import { relativeError, runModel } from '../testing/run-model.ts';
import { NetBuilder } from '../testing/small-net.ts';
import { constantFolding } from './constant-folding.ts';
import { deadCode } from './dead-code.ts';
import { type FixedShape, fixShapes } from './fix-shape.ts';
import { runPassList } from './pass.ts';

/** Flattens what a convolution makes of a picture of open size, by a computed shape. */
function flattening(): Model {
  const net = new NetBuilder(1, []);
  net.model.graph.inputs = [tensorInfo('input', 'float32', ['batch', 3, 'height', null])];
  const filtered = net.conv('input', 3, 4, 3);
  net.model.graph.valueInfo.set(filtered, tensorInfo(filtered, 'float32', ['batch', 4, 99, null]));
  const first = net.node('Constant', [], { value: tensor(int64Tensor([1], [0])) });
  const batch = net.node('Gather', [net.node('Shape', [filtered]), first]);
  const rest = net.node('Constant', [], { value: tensor(int64Tensor([1], [-1])) });
  const wanted = net.node('Concat', [batch, rest], { axis: int(0) });
  const model = net.output(net.node('Reshape', [filtered, wanted]));
  model.graph.outputs[0] = tensorInfo(model.graph.outputs[0]!.name, 'float32', ['batch', 'flat']);
  return model;
}

const shapeOf = (model: Model) => {
  const type = model.graph.outputs[0]?.type;
  return type?.kind === 'tensor' ? type.shape : undefined;
};

describe('fixShapes', () => {
  it('takes a whole shape, and tells what follows from it', () => {
    const model = flattening();
    fixShapes(model, { input: [2, 3, 8, 6] });
    expect(model.graph.inputs[0]).toEqual(tensorInfo('input', 'float32', [2, 3, 8, 6]));
    expect([...model.graph.valueInfo.values()][0]?.type).toMatchObject({ shape: [2, 4, 8, 6] });
    expect(shapeOf(model)).toEqual([2, 4 * 8 * 6]);
  });

  it('takes single sizes by their names, and leaves −1 open', () => {
    const model = flattening();
    fixShapes(model, { batch: 1, input: [-1, -1, -1, 6] });
    expect(model.graph.inputs[0]).toEqual(tensorInfo('input', 'float32', [1, 3, 'height', 6]));
    expect(shapeOf(model)).toEqual([1, 'flat']);
  });

  it('lets a size become known wherever its name stands', () => {
    const net = new NetBuilder(1, []);
    const shape = ['n', 2];
    net.model.graph.inputs = [tensorInfo('a', 'float32', shape), tensorInfo('b', 'float32', shape)];
    const model = net.output(net.node('Add', ['a', 'b']));
    fixShapes(model, { a: [5, 2] });
    expect(model.graph.inputs[1]).toEqual(tensorInfo('b', 'float32', [5, 2]));
  });

  it('lets shapes that were computed be folded', async () => {
    const model = flattening();
    const before = await runModel(model, {
      input: { type: 'FP32', shape: [2, 3, 4, 4], data: new Float32Array(96).fill(0.5) },
    });
    fixShapes(model, { input: [2, 3, 4, 4] });
    await runPassList(model, [constantFolding, deadCode], { opset: 13 });
    expect(model.graph.nodes.map((node) => node.op)).toEqual(['Conv', 'Reshape']);
    const after = await runModel(model, before.feeds);
    expect(relativeError(before.outputs, after.outputs)).toBe(0);
  });

  it.each<[string, Record<string, FixedShape>, RegExp]>([
    ['an unknown input', { image: [1, 3, 8, 8] }, /"image".*no input has that name.*input \[batch/],
    ['an unknown size', { width: 8 }, /"width".*no input has a size of that name/],
    ['one number for an input', { input: 8 }, /"input".*give its whole shape/],
    ['another rank', { input: [1, 3] }, /"input".*4 sizes \[batch, 3, height, \?\], not 2/],
    ['a size that the model has', { input: [1, 4, 8, 8] }, /size 1 is 3 in the model, not 4/],
    ['two numbers for one size', { batch: 2, input: [1, 3, 8, 8] }, /"batch" would be 2 and 1/],
    ['half a size', { batch: 0.5 }, /whole number from 1/],
    ['no size', { batch: 0 }, /whole number from 1/],
    ['too large a size', { input: [2 ** 31, 3, 8, 8] }, /whole number from 1/],
  ])('refuses %s', (_, shapes, message) => {
    expect(() => fixShapes(flattening(), shapes)).toThrow(
      expect.objectContaining({ code: 'shape.unfit', message: expect.stringMatching(message) }),
    );
  });

  it('names a size that two inputs would give different values', () => {
    const net = new NetBuilder(1, []);
    net.model.graph.inputs = [tensorInfo('a', 'float32', ['n']), tensorInfo('b', 'float32', ['n'])];
    const model = net.output(
      net.node('Mul', ['a', net.node('Unsqueeze', ['b'], { axes: ints([0]) })]),
    );
    expect(() => fixShapes(model, { a: [2], b: [3] })).toThrow(/"n" would be 2 and 3/);
  });
});

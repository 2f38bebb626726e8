import { floatAttribute, floatsAttribute, intsAttribute } from '../../ir/attributes.ts';
import { makeNode, type Node } from '../../ir/graph.ts';
import { fromNumbers, int64Tensor, isNumeric, type TensorValue } from '../../ir/tensor.ts';
import type { Adapter, Upgrade } from './adapter.ts';

/** a·x + b, with constants of the type of x; b may be one number a channel. */
function scaleAndShift(upgrade: Upgrade, scale: number, shift: readonly number[]): readonly Node[] {
  const { node } = upgrade;
  const dims = shift.length === 1 ? [] : [1, shift.length, 1, 1];
  const factor = upgrade.add('scale', constantLikeInput(upgrade, [], [scale]));
  const offset = upgrade.add('bias', constantLikeInput(upgrade, dims, shift));
  const scaled = upgrade.fresh('scaled');
  return [
    makeNode('Mul', upgrade.fresh('mul'), [node.inputs[0]!, factor], [scaled]),
    makeNode('Add', upgrade.fresh('add'), [scaled, offset], node.outputs),
  ];
}

function constantLikeInput(
  upgrade: Upgrade,
  dims: readonly number[],
  values: readonly number[],
): TensorValue {
  const dtype = upgrade.dtype(0);
  if (!dtype || !isNumeric(dtype)) return upgrade.refuse('the type of its input is not known');
  return fromNumbers(dtype, dims, values);
}

const affine: Adapter = (upgrade) => {
  const alpha = floatAttribute(upgrade.node, 'alpha', 1);
  return scaleAndShift(upgrade, alpha, [floatAttribute(upgrade.node, 'beta', 0)]);
};

const imageScaler: Adapter = (upgrade) => {
  const bias = floatsAttribute(upgrade.node, 'bias', [0]);
  return scaleAndShift(upgrade, floatAttribute(upgrade.node, 'scale', 1), bias);
};

/** Takes `border` (left, top, right, bottom) off an NCHW image, or cuts `scale` (height, width) out. */
const crop: Adapter = (upgrade) => {
  const { node } = upgrade;
  const [left = 0, top = 0, right = 0, bottom = 0] = intsAttribute(node, 'border', []);
  const size = intsAttribute(node, 'scale', undefined);
  const end = size ? [top + (size[0] ?? 0), left + (size[1] ?? 0)] : [cut(bottom), cut(right)];
  const range = [
    ['starts', [top, left]] as const,
    ['ends', end] as const,
    ['axes', [2, 3]] as const,
  ];
  const names = range.map(([name, values]) => upgrade.add(name, int64Tensor([2], values)));
  return [makeNode('Slice', node.name, [node.inputs[0]!, ...names], node.outputs)];
};

/** An end that leaves `border` elements away; none is written as an end beyond every size. */
function cut(border: number): number {
  return border === 0 ? 2 ** 31 - 1 : -border;
}

/** alpha · f(beta · x) */
function scaledFunction(op: string): Adapter {
  return (upgrade) => {
    const { node, fresh } = upgrade;
    const constant = (name: string, fallback: number) => {
      const value = floatAttribute(node, name, fallback);
      return upgrade.add(name, constantLikeInput(upgrade, [], [value]));
    };
    const [scaled, result] = [fresh('scaled'), fresh('result')];
    return [
      makeNode('Mul', fresh('scale'), [node.inputs[0]!, constant('beta', 1)], [scaled]),
      makeNode(op, fresh('function'), [scaled], [result]),
      makeNode('Mul', fresh('amplify'), [result, constant('alpha', 1)], node.outputs),
    ];
  };
}

/**
 * Operators that ai.onnx had on trial and took back in opset 10 without a successor; older exporters
 * for Windows still wrote them (ONNX Runtime `contrib_defs.cc`).
 */
export const EXPERIMENTAL: Readonly<Record<string, Adapter>> = {
  Affine: affine,
  Crop: crop,
  ImageScaler: imageScaler,
  ParametricSoftplus: scaledFunction('Softplus'),
  ScaledTanh: scaledFunction('Tanh'),
};

/** The opset at which they ended. */
export const EXPERIMENTAL_END = 10;

import { float, floatAttribute, int, intAttribute, stringAttribute } from '../../ir/attributes.ts';
import { DATA_TYPES } from '../../ir/dtype.ts';
import { makeNode, type Node } from '../../ir/graph.ts';
import { int64Tensor, reshaped } from '../../ir/tensor.ts';
import { dataTypeOfName } from '../cast-names.ts';
import { type Adapter, setInput, take, type Upgrade } from './adapter.ts';

/**
 * Before opset 7 the second operand was broadcast only on request, lined up at `axis` of the first
 * or, without one, at its end (Add-1, Add-6). From then on it is always lined up at the end.
 */
export const legacyBroadcast: Adapter = (upgrade) => {
  const { node } = upgrade;
  const asked = take(node, 'broadcast');
  const at = take(node, 'axis');
  if (asked?.kind !== 'int' || asked.value === 0n || at?.kind !== 'int') return undefined;
  const [left, right] = [upgrade.shape(0), upgrade.shape(1)];
  if (!left || !right) return upgrade.refuse('its axis needs the rank of both operands');
  const axis = Number(at.value) < 0 ? Number(at.value) + left.length : Number(at.value);
  return appendDims(upgrade, 1, left.length - axis - right.length);
};

/** PRelu before opset 7: one slope, or one for each channel, whatever follows the channels. */
export const legacySlope: Adapter = (upgrade) => {
  const [data, slope] = [upgrade.shape(0), upgrade.shape(1)];
  if (!slope) return upgrade.refuse('the rank of its slope is not known');
  if (slope.length !== 1 || slope[0] === 1) return undefined;
  if (!data) return upgrade.refuse('the rank of its input is not known');
  return appendDims(upgrade, 1, data.length - 2);
};

/** Adds dimensions of size 1 at the end of an operand. */
function appendDims(upgrade: Upgrade, input: number, count: number): readonly Node[] | undefined {
  const { node } = upgrade;
  if (count < 0) return upgrade.refuse('its operands do not line up');
  if (count === 0) return undefined;
  const constant = upgrade.constant(input);
  const rank = upgrade.shape(input)!.length;
  if (constant) {
    const dims = [...constant.dims, ...Array<number>(count).fill(1)];
    node.inputs[input] = upgrade.add('aligned', reshaped(constant, dims));
    return undefined;
  }
  const axes = int64Tensor(
    [count],
    Array.from({ length: count }, (_, i) => rank + i),
  );
  const aligned = upgrade.fresh('aligned');
  const operand = [node.inputs[input]!, upgrade.add('axes', axes)];
  node.inputs[input] = aligned;
  return [makeNode('Unsqueeze', upgrade.fresh('align'), operand, [aligned]), node];
}

/** Cast-1 names its type in words (`FLOAT`, `INT64`…). */
export const castByName: Adapter = ({ node, refuse }) => {
  const to = stringAttribute(node, 'to', undefined);
  if (to === undefined) return undefined;
  const dtype = dataTypeOfName(to);
  if (dtype === undefined) return refuse(`its type ${JSON.stringify(to)} is unknown`);
  node.attributes.set('to', int(DATA_TYPES[dtype].code));
  return undefined;
};

/** Pooling exponents were floats in GlobalLpPool-1 and LpPool-1. */
export const integerExponent: Adapter = ({ node, refuse }) => {
  const p = floatAttribute(node, 'p', undefined);
  if (p === undefined) return undefined;
  if (!Number.isInteger(p)) return refuse(`its exponent ${p} is not whole`);
  node.attributes.set('p', int(p));
  return undefined;
};

/** Pad-1 calls `pads` `paddings`. */
export const renamedPads: Adapter = ({ node }) => {
  const pads = take(node, 'paddings');
  if (pads) node.attributes.set('pads', pads);
  return undefined;
};

/** Selu-1 has shorter defaults than Selu-6. */
export const seluDefaults: Adapter = ({ node }) => {
  node.attributes.set('alpha', float(floatAttribute(node, 'alpha', 1.6732)));
  node.attributes.set('gamma', float(floatAttribute(node, 'gamma', 1.0507)));
  return undefined;
};

/** Inference form of BatchNormalization-1 to -9: one output, statistics per channel. */
export const batchNormalization: Adapter = ({ node, isUsed, refuse }) => {
  if (intAttribute(node, 'spatial', 1) === 0) return refuse('it normalizes each element apart');
  if (node.outputs.slice(1).some((name) => name && isUsed(name))) {
    return refuse('it is in training mode');
  }
  for (const name of ['is_test', 'spatial', 'momentum']) node.attributes.delete(name);
  node.outputs = node.outputs.slice(0, 1);
  return undefined;
};

/** Dropout at inference: the ratio has no effect, and the mask changed its type with opset 10. */
export const dropout: Adapter = ({ node, from, isUsed, refuse }) => {
  const mask = node.outputs[1];
  if (from < 10 && mask && isUsed(mask)) return refuse('its mask is used');
  for (const name of ['ratio', 'is_test']) node.attributes.delete(name);
  if (from < 10) node.outputs = node.outputs.slice(0, 1);
  return undefined;
};

/** Reshape-1 keeps its shape in an attribute. */
export const reshape: Adapter = ({ node, add }) => {
  const shape = take(node, 'shape');
  take(node, 'consumed_inputs');
  if (shape?.kind === 'ints') {
    setInput(node, 1, add('shape', int64Tensor([shape.value.length], shape.value)));
  }
  return undefined;
};

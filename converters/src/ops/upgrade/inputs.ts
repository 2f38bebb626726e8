import { floatAttribute, intAttribute } from '../../ir/attributes.ts';
import { fromNumbers, int64Tensor, isNumeric } from '../../ir/tensor.ts';
import { type Adapter, setInput, take, type Upgrade } from './adapter.ts';

/** Settings that were attributes of integers and became an input of int64. */
export function intsToInput(attribute: string, position: number): Adapter {
  return ({ node, add }) => {
    const values = take(node, attribute);
    if (values?.kind === 'ints') {
      setInput(node, position, add(attribute, int64Tensor([values.value.length], values.value)));
    }
    return undefined;
  };
}

/** A scalar constant of the type of the node's first input. */
function scalarLikeInput(upgrade: Upgrade, suffix: string, value: number): string {
  const dtype = upgrade.dtype(0);
  if (!dtype || !isNumeric(dtype)) return upgrade.refuse('the type of its input is not known');
  return upgrade.add(suffix, fromNumbers(dtype, [], [value]));
}

/** Clip-6 limits by attributes, Clip-11 by inputs of the type of its data. */
export const clip: Adapter = (upgrade) => {
  const { node } = upgrade;
  for (const [position, name] of [[1, 'min'] as const, [2, 'max'] as const]) {
    const limit = take(node, name);
    if (limit?.kind !== 'float') continue;
    setInput(node, position, scalarLikeInput(upgrade, name, limit.value));
  }
  return undefined;
};

/** Pad-11 takes pads and value as inputs. */
export const pad: Adapter = (upgrade) => {
  const { node } = upgrade;
  intsToInput('pads', 1)(upgrade);
  const value = floatAttribute(node, 'value', 0);
  node.attributes.delete('value');
  if (value !== 0) setInput(node, 2, scalarLikeInput(upgrade, 'value', value));
  return undefined;
};

/** Slice-10 takes starts, ends and axes as inputs. */
export const slice: Adapter = (upgrade) => {
  intsToInput('starts', 1)(upgrade);
  intsToInput('ends', 2)(upgrade);
  intsToInput('axes', 3)(upgrade);
  return undefined;
};

/** TopK-10 takes k as an input. */
export const topK: Adapter = ({ node, add }) => {
  const k = intAttribute(node, 'k', undefined);
  node.attributes.delete('k');
  if (k !== undefined) setInput(node, 1, add('k', int64Tensor([1], [k])));
  return undefined;
};

/** Reductions took axes as an input from opset 18 on (ReduceSum from 13). An empty list means all. */
export const reductionAxes: Adapter = (upgrade) => {
  const axes = upgrade.node.attributes.get('axes');
  if (axes?.kind === 'ints' && axes.value.length === 0) upgrade.node.attributes.delete('axes');
  return intsToInput('axes', 1)(upgrade);
};

import { intAttribute, stringAttribute } from '../../ir/attributes.ts';
import type { Dim } from '../../ir/graph.ts';
import { add, floorDivide, subtract } from '../symbolic.ts';
import {
  type Call,
  elementsOf,
  type Family,
  front,
  intOrInput,
  isGiven,
  type Shape,
  type ShapeRule,
  type ShapesRule,
  shapeOf,
} from './rule.ts';

/** Y and the last states of a recurrent layer (ONNX RNN-14): X [length, batch, _], R [directions, _, hidden]. */
const recurrent: ShapesRule = (call) => {
  const [data, weights] = [shapeOf(call, 0), shapeOf(call, 2)];
  const batchFirst = intAttribute(call.node, 'layout', 0) === 1;
  const hidden = intAttribute(call.node, 'hidden_size', undefined) ?? weights?.[2] ?? null;
  const directions = directionsOf(call);
  const [first = null, second = null] = data ?? [];
  if (batchFirst) {
    const state = [first, directions, hidden];
    return [[first, second, directions, hidden], state, state];
  }
  const state = [directions, second, hidden];
  return [[first, directions, second, hidden], state, state];
};

export function directionsOf({ node }: Call): number {
  return stringAttribute(node, 'direction', 'forward') === 'bidirectional' ? 2 : 1;
}

const dft: ShapeRule = (call) => {
  const data = shapeOf(call, 0);
  const axis = data && front(dftAxis(call, data), data.length);
  if (!data || axis === undefined || !(axis in data)) return undefined;
  const [oneSided, inverse] = [flag(call, 'onesided'), flag(call, 'inverse')];
  const length = isGiven(call, 1) ? (elementsOf(call, 1)?.[0] ?? null) : data[axis]!;
  const bins = oneSided && inverse && !isGiven(call, 1) ? null : oneSided ? half(length) : length;
  return data
    .with(axis, oneSided && inverse && isGiven(call, 1) ? length : bins)
    .with(-1, oneSided && inverse ? 1 : 2);
};

/** DFT-17 has an attribute (1 by default), DFT-20 an input (−2): one axis where the rank is 3. */
function dftAxis(call: Call, data: Shape): number {
  const given = intOrInput(call, 'axis', 2);
  if (given !== undefined) return given;
  return isGiven(call, 2) || data.length !== 3 ? NaN : 1;
}

function flag({ node }: Call, name: string): boolean {
  return intAttribute(node, name, 0) !== 0;
}

function half(length: Dim): Dim {
  return add(floorDivide(length, 2), 1);
}

const stft: ShapeRule = (call) => {
  const [signal, window] = [shapeOf(call, 0), shapeOf(call, 2)];
  const step = elementsOf(call, 1)?.[0] ?? null;
  const length = isGiven(call, 3) ? (elementsOf(call, 3)?.[0] ?? null) : (window?.[0] ?? null);
  if (!signal) return undefined;
  const frames = add(floorDivide(subtract(signal[1] ?? null, length), step), 1);
  const oneSided = intAttribute(call.node, 'onesided', 1) !== 0;
  return [signal[0] ?? null, frames, oneSided ? half(length) : length, 2];
};

const melWeights: ShapeRule = (call) => [
  half(elementsOf(call, 1)?.[0] ?? null),
  elementsOf(call, 0)?.[0] ?? null,
];

/** Recurrent layers and transforms of signals. */
export const SIGNALS: Family = {
  single: [
    [dft, 'DFT'],
    [stft, 'STFT'],
    [melWeights, 'MelWeightMatrix'],
  ],
  several: [[recurrent, 'GRU LSTM RNN']],
};

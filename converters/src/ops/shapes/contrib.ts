import { intAttribute } from '../../ir/attributes.ts';
import type { Dim } from '../../ir/graph.ts';
import { add, divideProducts } from '../symbolic.ts';
import { productShape } from './products.ts';
import {
  axisOf,
  broadcastShapes,
  type Family,
  isGiven,
  SAME,
  type ShapeRule,
  type ShapesRule,
  shapeOf,
} from './rule.ts';
import { directionsOf } from './signals.ts';

const broadcast: ShapeRule = ({ inputs }) =>
  broadcastShapes(inputs.slice(0, 2).map((facts) => facts.shape));

/** Attributes may transpose the last two axes of either factor. */
const fusedMatMul: ShapeRule = (call) => {
  const turned = (input: number, attribute: string) => {
    const shape = shapeOf(call, input);
    const turns = shape && shape.length > 1 && intAttribute(call.node, attribute, 0) !== 0;
    return turns ? [...shape.slice(0, -2), shape.at(-1)!, shape.at(-2)!] : shape;
  };
  const batch = ['transBatchA', 'transBatchB'];
  if (batch.some((name) => intAttribute(call.node, name, 0) !== 0)) return undefined;
  return productShape(turned(0, 'transA'), turned(1, 'transB'));
};

const integerMatMul: ShapeRule = (call) => productShape(shapeOf(call, 0), shapeOf(call, 1));
const qlinearMatMul: ShapeRule = (call) => productShape(shapeOf(call, 0), shapeOf(call, 3));

/** Weights of N rows lie packed: the attribute says how many. */
const packedMatMul: ShapeRule = (call) =>
  shapeOf(call, 0)?.with(-1, intAttribute(call.node, 'N', null));

const qlinearBinary: ShapeRule = (call) => broadcastShapes([shapeOf(call, 0), shapeOf(call, 3)]);

const qlinearGlobalPool: ShapeRule = (call) => {
  const data = shapeOf(call, 0);
  const last = intAttribute(call.node, 'channels_last', 0) !== 0;
  const channels = last && data ? data.length - 1 : 1;
  return data?.map((dim, axis) => (axis === 0 || axis === channels ? dim : 1));
};

const qlinearConcat: ShapeRule = (call) => {
  const shapes = call.inputs.flatMap((facts, i) => (i >= 2 && i % 3 === 2 ? [facts.shape] : []));
  const [first] = shapes;
  const axis = first && axisOf(call.node, 0, first.length);
  if (!first || axis === undefined) return undefined;
  return first.with(
    axis,
    shapes.reduce<Dim>((sum, shape) => add(sum, shape?.[axis] ?? null), 0),
  );
};

/** Y and last states; the weights of a dynamically quantized LSTM are [directions, input, 4·hidden]. */
const quantizedLstm: ShapesRule = (call) => {
  const data = shapeOf(call, 0);
  const hidden =
    intAttribute(call.node, 'hidden_size', undefined) ??
    divideProducts([shapeOf(call, 1)?.[2] ?? null], [4]);
  const directions = directionsOf(call);
  const [length = null, batch = null] = data ?? [];
  const state = [directions, batch, hidden];
  return [[length, directions, batch, hidden], state, state];
};

/** Output, and the sum of the two inputs as the fourth. */
const skipNormalization: ShapesRule = (call) => {
  const data = shapeOf(call, 0);
  return [data, undefined, undefined, data];
};

/** [batch, length, hidden] from packed or separate heads; the hidden size is that of the value. */
const attention: ShapesRule = (call) => {
  const data = shapeOf(call, 0);
  const bias = shapeOf(call, 2)?.[0] ?? null;
  const sizes = call.node.attributes.get('qkv_hidden_sizes');
  const hidden =
    sizes?.kind === 'ints' ? Number(sizes.value[2] ?? 0) || null : divideProducts([bias], [3]);
  return [data && data.length === 3 ? data.with(2, hidden) : undefined];
};

const multiHeadAttention: ShapesRule = (call) => {
  const [query, value] = [shapeOf(call, 0), shapeOf(call, 2)];
  const plain = query?.length === 3 && value?.length === 3 && isGiven(call, 2);
  return [plain ? query.with(2, value[2]!) : undefined];
};

const gatherBlocks: ShapeRule = (call) => {
  const [data, indices] = [shapeOf(call, 0), shapeOf(call, 1)];
  if (!data || !indices || intAttribute(call.node, 'gather_axis', 0) !== 0) return undefined;
  return [...indices, ...data.slice(1).map(() => null)];
};

/** Operators of com.microsoft that ONNX Runtime's quantizer and optimizer write. */
export const CONTRIB: Family = {
  single: [
    [
      SAME,
      `BiasGelu DequantizeLinear FastGelu Gelu Inverse QLinearLeakyRelu QLinearSigmoid
      QLinearSoftmax QuantizeLinear QuickGelu RotaryEmbedding SimplifiedLayerNormalization`,
    ],
    [broadcast, 'BiasAdd BiasDropout'],
    [fusedMatMul, 'FusedMatMul'],
    [integerMatMul, 'DynamicQuantizeMatMul MatMulInteger16 MatMulIntegerToFloat'],
    [qlinearMatMul, 'QLinearMatMul'],
    [packedMatMul, 'MatMulBnb4 MatMulFpQ4 MatMulNBits'],
    [qlinearBinary, 'QLinearAdd QLinearMul'],
    [qlinearGlobalPool, 'QLinearGlobalAveragePool'],
    [qlinearConcat, 'QLinearConcat'],
    [gatherBlocks, 'GatherBlockQuantized'],
  ],
  several: [
    [quantizedLstm, 'DynamicQuantizeLSTM'],
    [skipNormalization, 'SkipLayerNormalization SkipSimplifiedLayerNormalization'],
    [attention, 'Attention'],
    [multiHeadAttention, 'MultiHeadAttention'],
  ],
};

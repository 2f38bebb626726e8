import type { QdqForm } from '@flotilla/targets';
import { intAttribute } from '../ir/attributes.ts';
import { isOp, type Node } from '../ir/graph.ts';
import { elementCount, makeTensor, type TensorValue, toFloats } from '../ir/tensor.ts';
import { roundHalfEven } from '../round.ts';
import { clamp, weightScale } from './params.ts';

/** Biases beyond half the range of int32 would overflow when products are added to them. */
const BIAS_LIMIT = 2 ** 30;

/** Symmetric int8 weights: one scale, or one for each index along `axis`. */
export interface QuantizedWeights {
  readonly values: TensorValue;
  readonly scales: Float32Array<ArrayBuffer>;
  /** Undefined where one scale holds for the whole tensor. */
  readonly axis: number | undefined;
}

/** The axis of output channels, which a scale per channel follows. */
export function channelAxis(node: Node, weight: TensorValue): number | undefined {
  if (isOp(node, 'Conv')) return 0;
  if (isOp(node, 'Gemm')) return intAttribute(node, 'transB', 0) === 1 ? 0 : 1;
  return weight.dims.length === 2 ? 1 : undefined;
}

/**
 * Quantizes constant weights. Where a bias follows, a channel's scale is raised as far as its int32
 * bias needs (a channel of tiny weights and a large bias would overflow otherwise).
 *
 * @param bias float32 bias with the scale of the activations it is added to
 */
export function quantizeWeights(
  weight: TensorValue,
  channels: number | undefined,
  form: QdqForm,
  bias?: { readonly values: Float32Array; readonly activationScale: number },
): QuantizedWeights {
  const axis = form.perChannel ? channels : undefined;
  const data = toFloats(weight);
  const count = axis === undefined ? 1 : (weight.dims[axis] ?? 1);
  const inner =
    axis === undefined ? data.length : elementCount({ dims: weight.dims.slice(axis + 1) });
  const scales = scalesOf(data, count, inner, form.reduceRange);
  if (bias !== undefined) raiseForBias(scales, bias.values, bias.activationScale);
  const limit = weightLimit(form);
  const quantized = new Int8Array(data.length);
  for (let start = 0, channel = 0; start < data.length; start += inner, channel++) {
    const scale = scales[channel % count]!;
    for (let i = start; i < start + inner; i++) {
      quantized[i] = clamp(roundHalfEven(Math.fround(data[i]! / scale)), -limit, limit);
    }
  }
  return { values: makeTensor('int8', weight.dims, quantized), scales, axis };
}

/** Largest magnitude of an integer weight. */
export function weightLimit({ reduceRange }: Pick<QdqForm, 'reduceRange'>): number {
  return reduceRange ? 64 : 127;
}

/**
 * The bias of each channel. Gemm takes one number for all of them too, but a runtime that computes
 * in integers adds what it finds by the scale of each channel's weights.
 */
export function biasOfEach(bias: TensorValue, channels: number): Float32Array<ArrayBuffer> {
  const values = toFloats(bias);
  return values.length === channels
    ? values.slice()
    : new Float32Array(channels).fill(values[0] ?? 0);
}

function scalesOf(
  data: Float32Array,
  count: number,
  inner: number,
  reduceRange: boolean,
): Float32Array<ArrayBuffer> {
  const magnitudes = new Float64Array(count);
  for (let start = 0, channel = 0; start < data.length; start += inner, channel++) {
    let most = magnitudes[channel % count]!;
    for (let i = start; i < start + inner; i++) most = Math.max(most, Math.abs(data[i]!));
    magnitudes[channel % count] = most;
  }
  return Float32Array.from(magnitudes, (magnitude) => weightScale(magnitude, reduceRange));
}

function raiseForBias(scales: Float32Array, bias: Float32Array, activationScale: number): void {
  for (let i = 0; i < bias.length; i++) {
    const channel = scales.length === 1 ? 0 : i;
    const least = Math.abs(bias[i]!) / (activationScale * BIAS_LIMIT);
    if (scales[channel]! < least) scales[channel] = least;
  }
}

/** Bias as int32 whose scale is activation × weight, so that it adds to the integer products. */
export function quantizeBias(
  bias: Float32Array,
  activationScale: number,
  weightScales: Float32Array,
): { readonly values: TensorValue; readonly scales: Float32Array<ArrayBuffer> } {
  const scales = Float32Array.from(bias, (_, i) => {
    const scale = weightScales[weightScales.length === 1 ? 0 : i]!;
    return Math.fround(activationScale * scale);
  });
  const values = Int32Array.from(bias, (value, i) =>
    clamp(roundHalfEven(value / scales[i]!), -(2 ** 31), 2 ** 31 - 1),
  );
  return { values: makeTensor('int32', [bias.length], values), scales };
}

import type { QdqForm } from '@flotilla/targets';
import { makeTensor } from '../../ir/tensor.ts';
import type { StaticScheme } from '../scheme.ts';
import { channelAxis, type QuantizedWeights, quantizeWeights, weightLimit } from '../weights.ts';
import { factorize, solveRow } from './linear.ts';
import type { Moments } from './moments.ts';
import type { ObservedProduct } from './moments-graph.ts';
import { type ProductShape, productShape, toWeightLayout, weightRows } from './products.ts';
import { roundAdaptively } from './rounding.ts';

/** What a product gets in place of weights rounded to the nearest and its own bias. */
export interface TunedProduct {
  readonly weights: QuantizedWeights;
  /** Undefined where it stays as it is. */
  readonly bias: Float32Array | undefined;
}

/** Share of the mean square of the inputs that is added to each, against fitting too few samples. */
const DAMPING = 0.03;

/**
 * Integer weights and a bias with which a product of quantized inputs comes nearest, over the
 * calibration samples, to the float product of float inputs.
 *
 * @param bias of each output channel; undefined where the product can have none
 */
export function tuneProduct(
  product: ObservedProduct,
  bias: Float32Array | undefined,
  moments: Moments,
  { form, biasCorrection }: Pick<StaticScheme, 'form' | 'biasCorrection'>,
): TunedProduct {
  const { node, weight, input } = product;
  const inInt32 =
    bias && form.quantizeBias ? { values: bias, activationScale: input.scale } : undefined;
  const nearest = quantizeWeights(weight, channelAxis(node, weight), form, inInt32);
  const corrected = biasCorrection ? bias : undefined;
  const centered = corrected !== undefined;
  const weights = moments.squares && roundProduct(product, nearest, moments, form, centered);
  const chosen = weights ?? nearest;
  return { weights: chosen, bias: corrected && correctBias(product, corrected, chosen, moments) };
}

/** Undefined where the moments are not finite. */
function roundProduct(
  { node, weight }: ObservedProduct,
  nearest: QuantizedWeights,
  moments: Moments,
  form: QdqForm,
  centered: boolean,
): QuantizedWeights | undefined {
  const shape = productShape(node, weight);
  const { groups, rows, columns } = shape;
  const real = weightRows(node, weight);
  const integers = new Int8Array(real.length);
  for (let group = 0; group < groups; group++) {
    const { square, cross } = dampedMoments(moments, shape, group, centered);
    const factor = factorize(square, columns);
    if (factor === undefined) return undefined;
    const at = group * rows * columns;
    const target = bestWeights(real.subarray(at, at + rows * columns), cross, factor, shape);
    const scales = Array.from({ length: rows }, (_, row) => scaleOf(nearest, group * rows + row));
    const task = { target, rows, columns, scales, limit: weightLimit(form), square, factor };
    integers.set(roundAdaptively(task), at);
  }
  const values = makeTensor('int8', weight.dims, toWeightLayout(node, weight, integers));
  return { ...nearest, values };
}

/** Second moments of one group; around the means where a bias takes these over. */
function dampedMoments(
  { mean, quantizedMean, squares }: Moments,
  { columns }: ProductShape,
  group: number,
  centered: boolean,
): { readonly square: Float64Array; readonly cross: Float64Array } {
  const [start, end] = [group * columns ** 2, (group + 1) * columns ** 2];
  const square = squares?.square.slice(start, end) ?? new Float64Array();
  const cross = squares?.cross.slice(start, end) ?? new Float64Array();
  const x = mean.subarray(group * columns);
  const y = quantizedMean.subarray(group * columns);
  for (let i = 0; centered && i < columns; i++) {
    for (let j = 0; j < columns; j++) {
      square[i * columns + j]! -= y[i]! * y[j]!;
      cross[i * columns + j]! -= x[i]! * y[j]!;
    }
  }
  let trace = 0;
  for (let i = 0; i < columns; i++) trace += square[i * columns + i]!;
  const damping = (DAMPING * trace) / columns + Number.EPSILON;
  for (let i = 0; i < columns; i++) {
    square[i * columns + i]! += damping;
    cross[i * columns + i]! += damping;
  }
  return { square, cross };
}

/** Real weights that make the most of quantized inputs: W·E[x·yᵀ]·E[y·yᵀ]⁻¹. */
function bestWeights(
  real: Float64Array,
  cross: Float64Array,
  factor: Float64Array,
  { rows, columns }: ProductShape,
): Float64Array {
  const result = new Float64Array(real.length);
  for (let row = 0; row < rows; row++) {
    const b = result.subarray(row * columns, (row + 1) * columns);
    for (let i = 0; i < columns; i++) {
      const weight = real[row * columns + i]!;
      const at = i * columns;
      for (let j = 0; weight !== 0 && j < columns; j++) b[j]! += weight * cross[at + j]!;
    }
    solveRow(factor, columns, b);
  }
  return result;
}

/** Adds to each bias by how much the mean of its channel falls (Nagel et al. 2019, section 4.2). */
function correctBias(
  { node, weight }: ObservedProduct,
  bias: Float32Array,
  weights: QuantizedWeights,
  { mean, quantizedMean }: Moments,
): Float32Array {
  const { rows, columns } = productShape(node, weight);
  const real = weightRows(node, weight);
  const integers = weightRows(node, weights.values);
  return bias.map((value, output) => {
    const scale = scaleOf(weights, output);
    const at = Math.floor(output / rows) * columns;
    let shift = 0;
    for (let i = 0; i < columns; i++) {
      const weighed = output * columns + i;
      shift += real[weighed]! * mean[at + i]!;
      shift -= integers[weighed]! * scale * quantizedMean[at + i]!;
    }
    const corrected = Math.fround(value + shift);
    return Number.isFinite(corrected) ? corrected : value;
  });
}

function scaleOf({ scales }: QuantizedWeights, output: number): number {
  return scales[scales.length === 1 ? 0 : output]!;
}

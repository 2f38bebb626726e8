import { floatsAttribute, stringAttribute } from '../../ir/attributes.ts';
import type { Dim } from '../../ir/graph.ts';
import { multiply } from '../symbolic.ts';
import {
  axesOf,
  type Call,
  elementsOf,
  type Family,
  isGiven,
  numbersOf,
  type ShapeRule,
  shapeOf,
  unknown,
} from './rule.ts';

/** Sizes, or factors for sizes, that an input or (before opset 9) an attribute asks for. */
interface Wanted {
  readonly sizes?: readonly Dim[] | undefined;
  readonly scales?: readonly number[] | undefined;
}

const resize: ShapeRule = (call) => {
  const data = shapeOf(call, 0);
  if (!data) return undefined;
  const { sizes, scales } = wantedOf(call);
  const axes = call.node.attributes.has('axes') ? axesOf(call, -1, data.length) : [...data.keys()];
  if (!axes) return unknown(data.length);
  const policy = stringAttribute(call.node, 'keep_aspect_ratio_policy', 'stretch');
  const inside = axes.map((axis) => data[axis]!);
  const resized = scales
    ? inside.map((size, i) => scaled(size, scales[i]))
    : policy === 'stretch'
      ? sizes
      : keepAspect(inside, sizes, policy);
  return data.map((size, axis) => {
    const i = axes.indexOf(axis);
    return i < 0 ? size : (resized?.[i] ?? null);
  });
};

function wantedOf(call: Call): Wanted {
  const attribute = floatsAttribute(call.node, 'scales', undefined);
  if (attribute !== undefined) return { scales: attribute };
  // Resize-10 and Upsample take (X, scales), later definitions (X, roi, scales, sizes).
  if (call.node.inputs.length === 2) return { scales: numbersOf(call, 1) };
  if (isGiven(call, 3)) return { sizes: elementsOf(call, 3) };
  const mode = stringAttribute(call.node, 'coordinate_transformation_mode', 'half_pixel');
  return mode === 'tf_crop_and_resize' ? {} : { scales: numbersOf(call, 2) };
}

/** Rounded down in single precision, as runtimes do. */
function scaled(size: Dim, scale: number | undefined): Dim {
  if (scale === undefined) return null;
  if (typeof size === 'number') return Math.floor(Math.fround(size * scale));
  return Number.isInteger(scale) ? multiply(size, scale) : null;
}

/** The largest size inside, or smallest around, what is asked for, with the proportions of the input. */
function keepAspect(
  sizes: readonly Dim[],
  wanted: readonly Dim[] | undefined,
  policy: string,
): readonly Dim[] | undefined {
  const ratios = sizes.map((size, i) => Number(wanted?.[i] ?? NaN) / Number(size ?? NaN));
  const scale = policy === 'not_larger' ? Math.min(...ratios) : Math.max(...ratios);
  if (!Number.isFinite(scale)) return undefined;
  return sizes.map((size) => Math.floor(Number(size) * scale + 0.5));
}

export const RESIZE: Family = { single: [[resize, 'Resize Upsample']] };

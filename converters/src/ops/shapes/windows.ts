import { intAttribute, intsAttribute, stringAttribute } from '../../ir/attributes.ts';
import type { Dim, Node } from '../../ir/graph.ts';
import { add, ceilDivide, floorDivide, multiply, subtract } from '../symbolic.ts';
import {
  type Call,
  elementsOf,
  type Family,
  type Shape,
  type ShapeRule,
  type ShapesRule,
  shapeOf,
} from './rule.ts';

/** A convolution whose weight is the input at this position. */
function convolve(weight: number): ShapeRule {
  return (call) => {
    const data = shapeOf(call, 0);
    const filters = shapeOf(call, weight);
    const kernel = intsAttribute(call.node, 'kernel_shape', undefined) ?? filters?.slice(2);
    const out = data && slide(call.node, data.slice(2), kernel);
    return out && [data[0] ?? null, filters?.[0] ?? null, ...out];
  };
}

const pool: ShapesRule = ({ node, inputs: [data] }) => {
  const kernel = intsAttribute(node, 'kernel_shape', []);
  const shape = data?.shape && [
    ...data.shape.slice(0, 2),
    ...slide(node, data.shape.slice(2), kernel),
  ];
  return [shape, shape];
};

interface Window {
  readonly width: Dim;
  readonly stride: number;
  readonly before: number;
  readonly after: number;
}

/** Width with dilation, stride and padding of the window at each spatial axis. */
function windowsOf(node: Node, rank: number, kernel: Shape | undefined): Window[] {
  const strides = intsAttribute(node, 'strides', []);
  const dilations = intsAttribute(node, 'dilations', []);
  const pads = intsAttribute(node, 'pads', []);
  return Array.from({ length: rank }, (_, axis) => ({
    width: add(multiply(subtract(kernel?.[axis] ?? null, 1), dilations[axis] ?? 1), 1),
    stride: strides[axis] ?? 1,
    before: pads[axis] ?? 0,
    after: pads[axis + rank] ?? 0,
  }));
}

/** Spatial sizes after a window has slid over them (ONNX Conv, MaxPool). */
function slide(node: Node, sizes: Shape, kernel: Shape | undefined): Dim[] {
  const padding = stringAttribute(node, 'auto_pad', 'NOTSET');
  const ceil = intAttribute(node, 'ceil_mode', 0) !== 0;
  const windows = windowsOf(node, sizes.length, kernel);
  return sizes.map((size, axis) => {
    const { width, stride, before, after } = windows[axis]!;
    if (padding.startsWith('SAME')) return ceilDivide(size, stride);
    const around = padding === 'VALID' ? 0 : before + after;
    const room = subtract(add(size, around), width);
    if (!ceil) return add(floorDivide(room, stride), 1);
    const steps = add(ceilDivide(room, stride), 1);
    if (typeof steps !== 'number' || typeof size !== 'number') return null;
    // A last window that would begin in the padding behind is left out.
    return (steps - 1) * stride >= size + (padding === 'VALID' ? 0 : before) ? steps - 1 : steps;
  });
}

const convTranspose: ShapeRule = (call) => {
  const { node } = call;
  const [data, filters] = [shapeOf(call, 0), shapeOf(call, 1)];
  if (!data) return undefined;
  const channels = multiply(filters?.[1] ?? null, intAttribute(node, 'group', 1));
  const kernel = intsAttribute(node, 'kernel_shape', undefined) ?? filters?.slice(2);
  const given = intsAttribute(node, 'output_shape', undefined)?.slice(-(data.length - 2));
  return [data[0] ?? null, channels, ...(given ?? unslide(node, data.slice(2), kernel))];
};

/** Sizes that `slide` would make these out of. */
function unslide(node: Node, sizes: Shape, kernel: Shape | undefined): Dim[] {
  const same = stringAttribute(node, 'auto_pad', 'NOTSET').startsWith('SAME');
  const extra = intsAttribute(node, 'output_padding', []);
  const windows = windowsOf(node, sizes.length, kernel);
  return sizes.map((size, axis) => {
    const { width, stride, before, after } = windows[axis]!;
    if (same) return multiply(size, stride);
    const reach = add(multiply(subtract(size, 1), stride), width);
    return add(reach, (extra[axis] ?? 0) - before - after);
  });
}

const maxUnpool: ShapeRule = (call) => {
  const data = shapeOf(call, 0);
  const wanted = elementsOf(call, 2);
  if (wanted !== undefined) return wanted;
  if (call.node.inputs[2]) return data?.map(() => null);
  const kernel = intsAttribute(call.node, 'kernel_shape', []);
  return data && [...data.slice(0, 2), ...unslide(call.node, data.slice(2), kernel)];
};

const globalPool: ShapeRule = (call) => shapeOf(call, 0)?.map((dim, axis) => (axis < 2 ? dim : 1));

/** N and C of the picture, then the size that attributes ask of each region. */
function regions(sizes: (node: Node) => readonly number[]): ShapeRule {
  return (call) => [
    shapeOf(call, 1)?.[0] ?? null,
    shapeOf(call, 0)?.[1] ?? null,
    ...sizes(call.node),
  ];
}

const roiAlign = regions((node) => [
  intAttribute(node, 'output_height', 1),
  intAttribute(node, 'output_width', 1),
]);
const maxRoiPool = regions((node) => intsAttribute(node, 'pooled_shape', []));

const gridSample: ShapeRule = (call) => {
  const [data, grid] = [shapeOf(call, 0), shapeOf(call, 1)];
  return grid && [data?.[0] ?? grid[0] ?? null, data?.[1] ?? null, ...grid.slice(1, -1)];
};

const affineGrid: ShapeRule = (call) => {
  const size = elementsOf(call, 1);
  return size && [size[0] ?? null, ...size.slice(2), size.length - 2];
};

const colToImage: ShapeRule = (call) => {
  const data = shapeOf(call, 0);
  const [image, block] = [elementsOf(call, 1), elementsOf(call, 2)];
  const taps = block?.reduce<Dim>(multiply, 1);
  return image && [data?.[0] ?? null, channelsPerTap(data?.[1], taps), ...image];
};

function channelsPerTap(columns: Dim | undefined, taps: Dim | undefined): Dim {
  return columns === undefined || taps === undefined ? null : floorDivide(columns, taps);
}

const imageDecoder: ShapeRule = ({ node }: Call) => {
  const gray = stringAttribute(node, 'pixel_format', 'RGB') === 'Grayscale';
  return [null, null, gray ? 1 : 3];
};

/** Operators that slide a window over an image, or sample one. */
export const WINDOWS: Family = {
  single: [
    [convolve(1), 'Conv ConvInteger DeformConv'],
    [convolve(3), 'QLinearConv'],
    [convTranspose, 'ConvTranspose'],
    [maxUnpool, 'MaxUnpool'],
    [globalPool, 'GlobalAveragePool GlobalLpPool GlobalMaxPool'],
    [roiAlign, 'RoiAlign'],
    [maxRoiPool, 'MaxRoiPool'],
    [gridSample, 'GridSample'],
    [affineGrid, 'AffineGrid'],
    [colToImage, 'Col2Im'],
    [imageDecoder, 'ImageDecoder'],
  ],
  several: [[pool, 'AveragePool LpPool MaxPool']],
};

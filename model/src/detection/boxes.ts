import type { AnchorSpec, BoxFormat, Size } from '../spec/types.ts';
import { at, type Grid } from './grid.ts';
import type { Corners } from './nms.ts';

/** Center and size of an anchor box. */
type Anchor = readonly [x: number, y: number, width: number, height: number];
type Box = [left: number, top: number, right: number, bottom: number];

const fromCenter = (x: number, y: number, width: number, height: number): Box => [
  x - width / 2,
  y - height / 2,
  x + width / 2,
  y + height / 2,
];

const TO_CORNERS: Readonly<Record<BoxFormat, (a: number, b: number, c: number, d: number) => Box>> =
  {
    xyxy: (left, top, right, bottom) => [left, top, right, bottom],
    yxyx: (top, left, bottom, right) => [left, top, right, bottom],
    xywh: (left, top, width, height) => [left, top, left + width, top + height],
    cxcywh: fromCenter,
    cycxhw: (y, x, height, width) => fromCenter(x, y, width, height),
  };

/** Reads the corners of some boxes. */
export type BoxReader = (grid: Grid, boxes: Uint32Array) => Corners;

/** @param anchors by box; undefined where boxes stand for themselves */
export function createBoxReader(
  format: BoxFormat,
  anchors: readonly Anchor[] | undefined,
  variance: readonly number[],
): BoxReader {
  const toCorners = TO_CORNERS[format];
  return (grid, boxes) => {
    const corners = new Float64Array(boxes.length * 4);
    for (const [i, box] of boxes.entries()) {
      const [a, b, c, d] = [0, 1, 2, 3].map((column) => at(grid, box, column)) as Box;
      const anchor = anchors?.[box];
      if (!anchor) corners.set(toCorners(a, b, c, d), 4 * i);
      else if (format === 'cycxhw') corners.set(offset(anchor, variance, b, a, d, c), 4 * i);
      else corners.set(offset(anchor, variance, a, b, c, d), 4 * i);
    }
    return corners;
  };
}

/** Liu et al., "SSD: Single Shot MultiBox Detector", 2016, eq. 2, with its variances. */
function offset(
  [x, y, width, height]: Anchor,
  variance: readonly number[],
  dx: number,
  dy: number,
  dw: number,
  dh: number,
): Box {
  return fromCenter(
    x + dx * variance[0]! * width,
    y + dy * variance[1]! * height,
    width * Math.exp(dw * variance[2]!),
    height * Math.exp(dh * variance[3]!),
  );
}

/**
 * How many anchors there are: small strides make very many on a large image.
 *
 * @param size of the model's image in pixels; undefined where it is not known
 * @returns undefined where grids would need the size
 */
export function anchorCount({ anchors }: AnchorSpec, size: Size | undefined): number | undefined {
  if (anchors.kind === 'boxes') return anchors.boxes.length;
  return size && anchors.strides.reduce((sum, stride) => sum + cellsOf(stride, size).count, 0);
}

/** Anchors in the order of the boxes: as they are listed, or the cells of grids over the image. */
export function anchorsOf({ anchors }: AnchorSpec, size: Size = [0, 0]): Anchor[] {
  if (anchors.kind === 'boxes') {
    return anchors.boxes.map(([x = 0, y = 0, width = 0, height = 0]) => [x, y, width, height]);
  }
  return anchors.strides.flatMap((stride) => {
    const { columns, count } = cellsOf(stride, size);
    return Array.from(
      { length: count },
      (_, i): Anchor => [(i % columns) * stride, Math.floor(i / columns) * stride, stride, stride],
    );
  });
}

function cellsOf(stride: number, [width, height]: Size): { columns: number; count: number } {
  const columns = Math.ceil(width / stride);
  return { columns, count: columns * Math.ceil(height / stride) };
}

/** Corners of boxes, four numbers each: left, top, right, bottom. */
export type Corners = Float64Array;

/**
 * Greedy non-maximum suppression: the most certain box stays, and with it go those that overlap it.
 *
 * @param corners boxes by falling certainty
 * @param classes of the boxes; undefined lets boxes of all classes suppress each other
 * @param iou overlap (intersection over union) above which a box goes
 * @param most boxes that are kept; then it ends
 * @returns numbers of the boxes that stay, in their order; none that is empty or no number
 */
export function suppress(
  corners: Corners,
  classes: Int32Array | undefined,
  iou: number,
  most: number,
): number[] {
  const count = corners.length / 4;
  const areas = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    areas[i] =
      (corners[4 * i + 2]! - corners[4 * i]!) * (corners[4 * i + 3]! - corners[4 * i + 1]!);
  }
  const kept: number[] = [];
  for (let i = 0; i < count && kept.length < most; i++) {
    // It would be shown to nobody, and must not take the place of a box that is.
    if (!(areas[i]! > 0)) continue;
    const goes =
      iou < 1 &&
      kept.some(
        (j) =>
          (classes === undefined || classes[i] === classes[j]) &&
          overlap(corners, areas, i, j) > iou,
      );
    if (!goes) kept.push(i);
  }
  return kept;
}

/** Intersection over union of two boxes, neither of which is empty. */
function overlap(corners: Corners, areas: Float64Array, i: number, j: number): number {
  const a = 4 * i;
  const b = 4 * j;
  const width = Math.min(corners[a + 2]!, corners[b + 2]!) - Math.max(corners[a]!, corners[b]!);
  if (width <= 0) return 0;
  const height =
    Math.min(corners[a + 3]!, corners[b + 3]!) - Math.max(corners[a + 1]!, corners[b + 1]!);
  if (height <= 0) return 0;
  const shared = width * height;
  return shared / (areas[i]! + areas[j]! - shared);
}

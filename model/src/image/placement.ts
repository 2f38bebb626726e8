import type { FitPlan } from './fit.ts';
import type { Rgb8 } from './image.ts';

/** Where an image lies in the pixels that a model sees. */
export interface Placement {
  /** Of the upright image that was given, in pixels. */
  readonly original: { readonly width: number; readonly height: number };
  /** Of what the model sees, in pixels. */
  readonly seen: { readonly width: number; readonly height: number };
  /** seen = original · scale + offset. */
  readonly scale: readonly [x: number, y: number];
  readonly offset: readonly [x: number, y: number];
}

/** The placement of an image that is fed as it is. */
export function unmoved(width: number, height: number): Placement {
  const size = { width, height };
  return { original: size, seen: size, scale: [1, 1], offset: [0, 0] };
}

export function placementOf(
  { width, height }: Pick<Rgb8, 'width' | 'height'>,
  plan: FitPlan,
): Placement {
  const { view, pad } = plan;
  return {
    original: { width, height },
    seen: { width: plan.outWidth, height: plan.outHeight },
    scale: [plan.width / width, plan.height / height],
    offset: [pad.left - view.left, pad.top - view.top],
  };
}

/** Corners in pixels that a model sees as pixels of the original image, within it. */
export function toOriginal(
  { original, scale, offset }: Placement,
  [left, top, right, bottom]: readonly [number, number, number, number],
): [left: number, top: number, right: number, bottom: number] {
  const x = (seen: number) => within((seen - offset[0]) / scale[0], original.width);
  const y = (seen: number) => within((seen - offset[1]) / scale[1], original.height);
  return [x(left), y(top), x(right), y(bottom)];
}

function within(value: number, most: number): number {
  return Math.min(most, Math.max(0, value));
}

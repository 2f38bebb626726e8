import { FlotillaError } from '@flotilla/protocol';
import { MAX_SIDE } from '../spec/schema.ts';
import type { ImageInput, Size } from '../spec/types.ts';
import type { Rgb8 } from './image.ts';
import type { Resampler, View } from './resample.ts';

/** Where the resized image lands: its size, and what is cut out of it or padded around it. */
export interface FitPlan {
  /** Size of the whole image after resizing. */
  readonly width: number;
  readonly height: number;
  /** Size of the result. */
  readonly outWidth: number;
  readonly outHeight: number;
  /** The part of the resized image that is wanted. */
  readonly view: View;
  /** Where that part lies in the result. */
  readonly pad: { readonly left: number; readonly top: number };
}

/** Of what an image, or a batch of them, is resized to. */
export const MAX_PIXELS = MAX_SIDE ** 2;

/**
 * Size of the pixels that an image input ends in, where that does not depend on the image.
 *
 * @returns undefined where the image's own size or aspect decides
 */
export function fixedSize(input: ImageInput): Size | undefined {
  if (input.crop) return input.crop;
  if (input.resize && input.resize.mode !== 'shortSide') return input.resize.size;
  return undefined;
}

/**
 * Resizes and crops an image as the input says; what lies outside the image gets the pad color.
 *
 * @throws FlotillaError `image.too-large`
 */
export function fit(image: Rgb8, input: ImageInput, resampler: Resampler): Rgb8 {
  const plan = planFit(image, input);
  const { view } = plan;
  // Rows are resized first: an image of a few columns and very many rows would swell on the way.
  if (view.width * image.height > MAX_PIXELS) throw tooLarge(image, view.width, image.height);
  const { kernel = 'bilinear', antialias = true, pad = [0, 0, 0] } = input.resize ?? {};
  const inner = resampler.resample(image, plan.width, plan.height, view, kernel, antialias);
  if (inner.width === plan.outWidth && inner.height === plan.outHeight) return inner;
  return padTo(inner, plan, pad);
}

/** @throws FlotillaError `image.too-large` */
export function planFit(image: Rgb8, input: ImageInput): FitPlan {
  const [width, height] = resizedSize(image, input);
  const letterbox = input.resize?.mode === 'letterbox' ? input.resize.size : undefined;
  const [outWidth, outHeight] = input.crop ?? letterbox ?? [width, height];
  if (Math.max(outWidth, outHeight) > MAX_SIDE) throw tooLarge(image, outWidth, outHeight);
  return {
    width,
    height,
    outWidth,
    outHeight,
    view: {
      left: Math.max(0, centered(width, outWidth)),
      top: Math.max(0, centered(height, outHeight)),
      width: Math.min(width, outWidth),
      height: Math.min(height, outHeight),
    },
    pad: {
      left: Math.max(0, centered(outWidth, width)),
      top: Math.max(0, centered(outHeight, height)),
    },
  };
}

function tooLarge(image: Rgb8, width: number, height: number): FlotillaError {
  const where = `the image of ${image.width}×${image.height} once resized`;
  const megapixels = Math.ceil(width * height * 1e-6);
  const limit = Math.round(MAX_PIXELS * 1e-6);
  return new FlotillaError('image.too-large', { where, megapixels, limit });
}

function resizedSize(image: Rgb8, input: ImageInput): Size {
  if (!input.resize) return [image.width, image.height];
  const { mode, size } = input.resize;
  if (mode === 'stretch') return size;
  const byWidth = size[0] / image.width;
  const byHeight = size[1] / image.height;
  const factor = mode === 'shortSide' ? Math.max(byWidth, byHeight) : Math.min(byWidth, byHeight);
  return [
    byWidth === factor ? size[0] : Math.max(1, Math.round(image.width * factor)),
    byHeight === factor ? size[1] : Math.max(1, Math.round(image.height * factor)),
  ];
}

/** Offset of a centered window of `inner` in `outer`; half pixels round toward the start. */
function centered(outer: number, inner: number): number {
  return Math.floor((outer - inner) / 2);
}

function padTo(
  image: Rgb8,
  { outWidth: width, outHeight: height, pad: { left, top } }: FitPlan,
  color: readonly number[],
): Rgb8 {
  const data = new Uint8Array(width * height * 3);
  const [red = 0, green = 0, blue = 0] = color;
  for (let i = 0; i < data.length; i += 3) {
    data[i] = red;
    data[i + 1] = green;
    data[i + 2] = blue;
  }
  const stride = image.width * 3;
  for (let y = 0; y < image.height; y++) {
    const row = image.data.subarray(y * stride, (y + 1) * stride);
    data.set(row, ((top + y) * width + left) * 3);
  }
  return { width, height, data };
}

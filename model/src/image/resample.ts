import type { Kernel } from '../spec/types.ts';
import type { Rgb8 } from './image.ts';
import { WEIGHT_BITS, type WeightTable, weightTable } from './kernels.ts';

/** The part of the resized image that is wanted, in pixels of the resized image. */
export interface View {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

export interface Resampler {
  /** Resizes the whole image to width × height and gives the part of it that lies in `view`. */
  resample(
    image: Rgb8,
    width: number,
    height: number,
    view: View,
    kernel: Kernel,
    antialias: boolean,
  ): Rgb8;
}

/** Tables kept: two for each of a camera's few image sizes. */
const MAX_TABLES = 16;
const HALF = 1 << (WEIGHT_BITS - 1);

/**
 * A separable resampler in integer arithmetic: first along rows, rounded to 8 bits, then along
 * columns. Pixels equal Pillow's, but for ±1 where Pillow 13 goes along columns first (the height
 * shrinks by over twice as many pixels as the width). It keeps the tables of weights for the sizes
 * that it has seen.
 */
export function createResampler(): Resampler {
  const tables = new Map<string, WeightTable>();
  const tableFor = (...key: Parameters<typeof weightTable>): WeightTable => {
    const name = key.join();
    const known = tables.get(name);
    if (known) return known;
    if (tables.size >= MAX_TABLES) tables.clear();
    const made = weightTable(...key);
    tables.set(name, made);
    return made;
  };
  return {
    resample(image, width, height, view, kernel, antialias) {
      if (kernel === 'nearest') return nearest(image, width, height, view);
      const { width: w, height: h } = image;
      if (w === width && h === height) return cut(image, view);
      const columns = tableFor(w, width, view.left, view.width, kernel, antialias);
      const rows = tableFor(h, height, view.top, view.height, kernel, antialias);
      const top = rows.first[0]!;
      const bottom = rows.first[view.height - 1]! + rows.count[view.height - 1]!;
      const narrow = alongRows(image, top, bottom, columns, view.width);
      return {
        width: view.width,
        height: view.height,
        data: alongColumns(narrow, top, rows, view.width * 3, view.height),
      };
    },
  };
}

/** Rows `top` to `bottom` of the image, each resized to `width` pixels. */
function alongRows(
  image: Rgb8,
  top: number,
  bottom: number,
  table: WeightTable,
  width: number,
): Uint8Array {
  const { taps, first, count, weights } = table;
  const source = image.data;
  const out = new Uint8ClampedArray((bottom - top) * width * 3);
  let o = 0;
  for (let y = top; y < bottom; y++) {
    const row = y * image.width * 3;
    for (let x = 0; x < width; x++) {
      let red = HALF;
      let green = HALF;
      let blue = HALF;
      let s = row + first[x]! * 3;
      const begin = x * taps;
      const end = begin + count[x]!;
      for (let k = begin; k < end; k++, s += 3) {
        const weight = weights[k]!;
        red = (red + Math.imul(source[s]!, weight)) | 0;
        green = (green + Math.imul(source[s + 1]!, weight)) | 0;
        blue = (blue + Math.imul(source[s + 2]!, weight)) | 0;
      }
      out[o++] = red >> WEIGHT_BITS;
      out[o++] = green >> WEIGHT_BITS;
      out[o++] = blue >> WEIGHT_BITS;
    }
  }
  return new Uint8Array(out.buffer);
}

/** `height` rows of `stride` bytes, each a weighted sum of source rows; the source begins at row `top`. */
function alongColumns(
  source: Uint8Array,
  top: number,
  table: WeightTable,
  stride: number,
  height: number,
): Uint8Array {
  const { taps, first, count, weights } = table;
  const out = new Uint8ClampedArray(height * stride);
  const sums = new Int32Array(stride);
  for (let y = 0; y < height; y++) {
    sums.fill(HALF);
    for (let k = 0; k < count[y]!; k++) {
      const weight = weights[y * taps + k]!;
      const row = (first[y]! - top + k) * stride;
      for (let x = 0; x < stride; x++) {
        sums[x] = (sums[x]! + Math.imul(source[row + x]!, weight)) | 0;
      }
    }
    const row = y * stride;
    for (let x = 0; x < stride; x++) out[row + x] = sums[x]! >> WEIGHT_BITS;
  }
  return new Uint8Array(out.buffer);
}

function nearest(image: Rgb8, width: number, height: number, view: View): Rgb8 {
  const data = new Uint8Array(view.width * view.height * 3);
  let o = 0;
  for (let y = 0; y < view.height; y++) {
    const sy = Math.min(
      image.height - 1,
      Math.floor(((view.top + y + 0.5) * image.height) / height),
    );
    for (let x = 0; x < view.width; x++) {
      const sx = Math.min(
        image.width - 1,
        Math.floor(((view.left + x + 0.5) * image.width) / width),
      );
      const s = (sy * image.width + sx) * 3;
      data[o++] = image.data[s]!;
      data[o++] = image.data[s + 1]!;
      data[o++] = image.data[s + 2]!;
    }
  }
  return { width: view.width, height: view.height, data };
}

function cut(image: Rgb8, view: View): Rgb8 {
  if (view.width === image.width && view.height === image.height) return image;
  const stride = view.width * 3;
  const data = new Uint8Array(view.height * stride);
  for (let y = 0; y < view.height; y++) {
    const start = ((view.top + y) * image.width + view.left) * 3;
    data.set(image.data.subarray(start, start + stride), y * stride);
  }
  return { width: view.width, height: view.height, data };
}

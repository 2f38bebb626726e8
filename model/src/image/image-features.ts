import type { Rgb8 } from './image.ts';

/** The numbers about an image that drift is judged by; the names are part of every profile. */
export const IMAGE_FEATURES = [
  'brightness',
  'contrast',
  'red',
  'green',
  'blue',
  'saturation',
  'sharpness',
  'noise',
] as const;

export type ImageFeature = (typeof IMAGE_FEATURES)[number];

/** Longest side of the grid that sharpness is measured on: it then hardly depends on the size. */
const GRID = 128;

/**
 * Numbers about the pixels that a model sees, before normalization, named `INPUT.brightness`…
 * All are fractions of full range (0 to 1).
 *
 * - brightness, contrast: mean and standard deviation of luma (ITU-R 601)
 * - red, green, blue: means
 * - saturation: mean of (max − min) / max over the channels of a pixel
 * - sharpness: mean absolute Laplacian of luma on a grid of at most 128 cells a side
 * - noise: Immerkær, "Fast noise variance estimation", 1996
 */
export function imageFeatures(input: string, image: Rgb8): Record<string, number> {
  const { width, height, data } = image;
  const luma = new Float32Array(width * height);
  let red = 0;
  let green = 0;
  let blue = 0;
  let saturation = 0;
  let sum = 0;
  let squares = 0;
  for (let i = 0, s = 0; i < luma.length; i++, s += 3) {
    const r = data[s]!;
    const g = data[s + 1]!;
    const b = data[s + 2]!;
    const y = 0.299 * r + 0.587 * g + 0.114 * b;
    const max = Math.max(r, g, b);
    const min = Math.min(r, g, b);
    luma[i] = y;
    red += r;
    green += g;
    blue += b;
    sum += y;
    squares += y * y;
    if (max > 0) saturation += (max - min) / max;
  }
  const n = luma.length;
  const mean = sum / n;
  const values: Record<ImageFeature, number> = {
    brightness: mean / 255,
    contrast: Math.sqrt(Math.max(0, squares / n - mean * mean)) / 255,
    red: red / n / 255,
    green: green / n / 255,
    blue: blue / n / 255,
    saturation: saturation / n,
    sharpness: sharpness(luma, width, height) / 255,
    noise: noise(luma, width, height) / 255,
  };
  return Object.fromEntries(IMAGE_FEATURES.map((name) => [`${input}.${name}`, values[name]]));
}

function sharpness(luma: Float32Array, width: number, height: number): number {
  const cell = Math.ceil(Math.max(width, height) / GRID);
  const w = Math.floor(width / cell);
  const h = Math.floor(height / cell);
  const grid = cell === 1 ? luma : averaged(luma, width, cell, w, h);
  if (w < 3 || h < 3) return 0;
  let sum = 0;
  for (let y = 1; y < h - 1; y++) {
    for (let i = y * w + 1; i < y * w + w - 1; i++) {
      sum += Math.abs(grid[i - 1]! + grid[i + 1]! + grid[i - w]! + grid[i + w]! - 4 * grid[i]!);
    }
  }
  return sum / ((w - 2) * (h - 2));
}

/** Means of cell × cell pixels. */
function averaged(
  luma: Float32Array,
  width: number,
  cell: number,
  w: number,
  h: number,
): Float32Array {
  const grid = new Float32Array(w * h);
  for (let y = 0; y < h * cell; y++) {
    const row = Math.floor(y / cell) * w;
    for (let x = 0; x < w * cell; x++) grid[row + Math.floor(x / cell)]! += luma[y * width + x]!;
  }
  return grid.map((total) => total / (cell * cell));
}

/** Standard deviation of white noise, by a mask that is blind to edges and slopes. */
function noise(luma: Float32Array, w: number, h: number): number {
  if (w < 3 || h < 3) return 0;
  let sum = 0;
  for (let y = 1; y < h - 1; y++) {
    for (let i = y * w + 1; i < y * w + w - 1; i++) {
      const corners = luma[i - w - 1]! + luma[i - w + 1]! + luma[i + w - 1]! + luma[i + w + 1]!;
      const sides = luma[i - 1]! + luma[i + 1]! + luma[i - w]! + luma[i + w]!;
      sum += Math.abs(corners - 2 * sides + 4 * luma[i]!);
    }
  }
  return (Math.sqrt(Math.PI / 2) * sum) / (6 * (w - 2) * (h - 2));
}

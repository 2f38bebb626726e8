import { elementsOf, type NumberElement } from '../rounding.ts';
import type { ImageInput } from '../spec/types.ts';
import { ELEMENT_TYPES, type Tensor } from '../tensor.ts';
import { fit } from './fit.ts';
import type { Rgb8 } from './image.ts';
import { createResampler, type Resampler } from './resample.ts';

/** Element types that an image may be fed as. */
export type ImageElement = NumberElement;

/**
 * Resizes, crops and normalizes one image: x = (pixel · scale − mean) / std.
 *
 * @param resampler keeps tables from call to call; give one where many images come
 * @param type element type of the model's input; integers are rounded half to even and clamped
 * @returns shape [1, channels, height, width], or [1, height, width, channels] for nhwc
 */
export function imageToTensor(
  image: Rgb8,
  input: ImageInput,
  resampler: Resampler = createResampler(),
  type: ImageElement = 'FP32',
): Tensor {
  return pixelsToTensor(fit(image, input, resampler), input, type);
}

/** Normalizes pixels that have their final size already; see `imageToTensor`. */
export function pixelsToTensor(
  pixels: Rgb8,
  input: ImageInput,
  type: ImageElement = 'FP32',
): Tensor {
  const { width, height } = pixels;
  const planes = input.color === 'gray' ? [gray(pixels)] : channelsOf(pixels, input.color);
  const area = width * height;
  const channels = planes.length;
  const data = new ELEMENT_TYPES[type](channels * area);
  const nchw = input.layout === 'nchw';
  for (const [channel, plane] of planes.entries()) {
    const table = lookup(input, channel, type);
    const step = nchw ? 1 : channels;
    let o = nchw ? channel * area : channel;
    let s = plane.offset;
    for (let i = 0; i < area; i++, o += step, s += plane.step) {
      data[o] = table[plane.data[s]!]!;
    }
  }
  const shape = nchw ? [1, channels, height, width] : [1, height, width, channels];
  return { type, shape, data };
}

interface Plane {
  readonly data: Uint8Array;
  readonly offset: number;
  readonly step: number;
}

function channelsOf(pixels: Rgb8, color: 'rgb' | 'bgr'): Plane[] {
  const order = color === 'rgb' ? [0, 1, 2] : [2, 1, 0];
  return order.map((offset) => ({ data: pixels.data, offset, step: 3 }));
}

/** ITU-R 601-2 luma in 16-bit fixed point, as Pillow's mode L. */
function gray(pixels: Rgb8): Plane {
  const { data } = pixels;
  const luma = new Uint8Array(data.length / 3);
  for (let i = 0, s = 0; i < luma.length; i++, s += 3) {
    luma[i] = (19595 * data[s]! + 38470 * data[s + 1]! + 7471 * data[s + 2]! + 0x8000) >> 16;
  }
  return { data: luma, offset: 0, step: 1 };
}

/** The normalized value of each of the 256 pixel values, as elements of the tensor. */
function lookup(input: ImageInput, channel: number, type: ImageElement): ArrayLike<number> {
  const scale = input.scale[channel]!;
  const mean = input.mean[channel]!;
  const std = input.std[channel]!;
  const values = Float64Array.from({ length: 256 }, (_, pixel) => (pixel * scale - mean) / std);
  return elementsOf(values, type);
}

import { MAX_BATCH } from '../batch.ts';
import { fit, fixedSize, MAX_PIXELS, planFit } from '../image/fit.ts';
import type { ImageDecoder, Rgb8 } from '../image/image.ts';
import { imageFeatures } from '../image/image-features.ts';
import { type ImageElement, pixelsToTensor } from '../image/image-to-tensor.ts';
import { type Placement, placementOf, unmoved } from '../image/placement.ts';
import { createResampler } from '../image/resample.ts';
import { isNumberElement } from '../rounding.ts';
import type { ImageInput } from '../spec/types.ts';
import { ELEMENT_TYPES, type Tensor, type TensorInfo } from '../tensor.ts';
import { checkTensor, elementCount, tensorError } from '../tensors.ts';
import { type Feed, type Feeder, isTensor } from './feed.ts';
import { meanOf, type TensorStatistics } from './statistics.ts';

/**
 * Feeds images. Takes encoded bytes, pixels as a UINT8 tensor [height, width, 3] or
 * [batch, height, width, 3] (red green blue), or a tensor that is fed as it is.
 */
export function imageFeeder(
  info: TensorInfo,
  input: ImageInput,
  decoder: ImageDecoder,
  statistics: TensorStatistics,
  mismatch: (reason: string) => never,
): Feeder {
  const type = checkDeclared(info, input, mismatch);
  const resampler = createResampler();
  const fromPixels = (images: readonly Rgb8[]): Feed => {
    const plans = images.map((image) => planFit(image, input));
    // Small images may be enlarged, each of a batch.
    const pixels = plans.reduce((sum, { outWidth, outHeight }) => sum + outWidth * outHeight, 0);
    if (pixels > MAX_PIXELS) {
      throw tensorError(
        info.name,
        `would be ${pixels} pixels once resized, more than ${MAX_PIXELS}`,
      );
    }
    const fitted = images.map((image) => fit(image, input, resampler));
    return {
      tensor: stack(fitted.map((pixels) => pixelsToTensor(pixels, input, type))),
      features: meanOf(fitted.map((pixels) => imageFeatures(info.name, pixels))),
      placements: images.map((image, i) => placementOf(image, plans[i]!)),
    };
  };
  return {
    fromCaller: true,
    async feed(raw, where) {
      if (!isTensor(raw)) return fromPixels([await decoder.decode(raw, where)]);
      checkTensor(info.name, raw);
      if (raw.type !== 'UINT8' || raw.shape.at(-1) !== 3) {
        const placements = placementsOf(raw, input);
        return { tensor: raw, features: statistics(raw), placements };
      }
      return fromPixels(imagesIn(info.name, raw));
    },
  };
}

/** Of a ready tensor: its own pixels are the original's. */
function placementsOf({ shape }: Tensor, { layout }: ImageInput): Placement[] {
  const at = layout === 'nchw' ? 2 : 1;
  const placement = unmoved(shape[at + 1] ?? 0, shape[at] ?? 0);
  return new Array<Placement>(Math.min(shape[0] ?? 0, MAX_BATCH)).fill(placement);
}

/** What the model declares must be what the spec makes, where both are known beforehand. */
function checkDeclared(
  info: TensorInfo,
  input: ImageInput,
  mismatch: (reason: string) => never,
): ImageElement {
  const { type, shape } = info;
  if (!isNumberElement(type)) {
    return mismatch(`is an image but the model takes ${type}`);
  }
  if (shape.length !== 4) {
    mismatch(`is an image, which has 4 dimensions, but the model takes [${shape}]`);
  }
  const size = fixedSize(input);
  const channels = input.color === 'gray' ? 1 : 3;
  const [width, height] = size ?? [-1, -1];
  const made =
    input.layout === 'nchw' ? [-1, channels, height, width] : [-1, height, width, channels];
  const differs = made.some((n, i) => n !== -1 && shape[i] !== -1 && n !== shape[i]);
  if (differs) mismatch(`is made as [${made}] but the model takes [${shape}] (-1 is any size)`);
  return type;
}

function imagesIn(name: string, tensor: Tensor): Rgb8[] {
  const [batch, height, width] =
    tensor.shape.length === 3 ? [1, ...tensor.shape] : tensor.shape.slice(0, 3);
  if (tensor.shape.length > 4 || !batch || !height || !width) {
    throw tensorError(name, `must have the shape [height, width, 3], not [${tensor.shape}]`);
  }
  if (batch > MAX_BATCH) throw tensorError(name, `has ${batch} images, more than ${MAX_BATCH}`);
  const bytes = height * width * 3;
  return Array.from({ length: batch }, (_, i) => ({
    width,
    height,
    data: (tensor.data as Uint8Array).subarray(i * bytes, (i + 1) * bytes),
  }));
}

/** Tensors of one sample each as one batch. */
function stack(tensors: readonly Tensor[]): Tensor {
  const [first] = tensors as [Tensor];
  if (tensors.length === 1) return first;
  const size = elementCount(first.shape);
  const data = new ELEMENT_TYPES[first.type as ImageElement](size * tensors.length);
  for (const [i, tensor] of tensors.entries()) data.set(tensor.data as Float32Array, i * size);
  return { type: first.type, shape: [tensors.length, ...first.shape.slice(1)], data };
}

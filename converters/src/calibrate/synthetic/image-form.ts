import { fixedSize, type InputSpec, type Tensor, type TensorInfo, tensorOf } from '@flotilla/model';
import type { Plane } from './scenes.ts';

/** How an image of pixels from 0 to 1 becomes what a model takes: x = pixel · gain + offset. */
export interface ImageForm {
  readonly info: TensorInfo;
  readonly layout: 'nchw' | 'nhwc';
  readonly size: Omit<Plane, 'data'>;
  /** One for each channel. */
  readonly gain: readonly number[];
  readonly offset: readonly number[];
}

/** Side of images whose size neither the model nor its spec says. */
const SIDE = 224;
const CHANNELS = [1, 3, 4];

/**
 * What images are usually turned into, for a model without a spec: pixels from 0 to 1, to 255, from
 * −1 to 1, and in deviations from ImageNet's means.
 */
const USUAL = [
  { gain: 1, offset: 0 },
  { gain: 255, offset: 0 },
  { gain: 2, offset: -1 },
  { gain: 4.4, offset: -2 },
] as const;

/**
 * The forms that an input may have: the one that its spec says, or all usual ones.
 *
 * @returns undefined where it does not look like an image: four dimensions of which one counts channels
 */
export function imageForms(
  info: TensorInfo,
  spec: InputSpec | undefined,
): readonly ImageForm[] | undefined {
  if (info.shape.length !== 4 || (spec && spec.kind !== 'image' && spec.kind !== 'raw')) {
    return undefined;
  }
  const image = spec?.kind === 'image' ? spec : undefined;
  const layout = image?.layout ?? (CHANNELS.includes(info.shape[1]!) ? 'nchw' : 'nhwc');
  const [, a = 0, b = 0, c = 0] = info.shape;
  const [channels, high, wide] = layout === 'nchw' ? [a, b, c] : [c, a, b];
  if (!CHANNELS.includes(channels)) return undefined;
  const [width, height] = (image && fixedSize(image)) ?? [SIDE, SIDE];
  const size = { channels, height: high > 0 ? high : height, width: wide > 0 ? wide : width };
  const each = (of: (channel: number) => number) =>
    Array.from({ length: channels }, (_, c) => of(c));
  if (image === undefined) {
    return USUAL.map(({ gain, offset }) => {
      return { info, layout, size, gain: each(() => gain), offset: each(() => offset) };
    });
  }
  const { scale, mean, std } = image;
  const at = (values: readonly number[], channel: number) => values[channel % values.length]!;
  const gain = each((channel) => (255 * at(scale, channel)) / at(std, channel));
  const offset = each((channel) => -at(mean, channel) / at(std, channel));
  return [{ info, layout, size, gain, offset }];
}

/** The tensor of one image. */
export function imageTensor(form: ImageForm, { data }: Plane): Tensor {
  const { channels, height, width } = form.size;
  const pixels = height * width;
  const values = new Float32Array(data.length);
  for (let c = 0; c < channels; c++) {
    const [gain, offset] = [form.gain[c]!, form.offset[c]!];
    const [start, step] = form.layout === 'nchw' ? [c * pixels, 1] : [c, channels];
    for (let i = 0; i < pixels; i++) {
      values[start + i * step] = data[c * pixels + i]! * gain + offset;
    }
  }
  const shape =
    form.layout === 'nchw' ? [1, channels, height, width] : [1, height, width, channels];
  const { type } = form.info;
  return type === 'FP32' ? { type, shape, data: values } : tensorOf([...values], shape, type);
}

import { describe, expect, it } from 'vitest';
import type { ImageInput, ResizeMode } from '../spec/types.ts';
import { fit, fixedSize } from './fit.ts';
import type { Rgb8 } from './image.ts';
import { imageToTensor } from './image-to-tensor.ts';
import { createResampler } from './resample.ts';

function input(changes: Partial<ImageInput> = {}): ImageInput {
  return {
    kind: 'image',
    color: 'rgb',
    resize: undefined,
    crop: undefined,
    scale: [1, 1, 1],
    mean: [0, 0, 0],
    std: [1, 1, 1],
    layout: 'nchw',
    ...changes,
  };
}

function resized(mode: ResizeMode, size: [number, number], pad = 0): ImageInput['resize'] {
  return { mode, size, kernel: 'nearest', antialias: true, pad: [pad, pad, pad] };
}

/** Red tells the column, green the row. */
function grid(width: number, height: number): Rgb8 {
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++) {
    data.set([i % width, Math.floor(i / width), 7], i * 3);
  }
  return { width, height, data };
}

describe('fitting an image', () => {
  const resampler = createResampler();

  it.each([
    ['shortSide', 40, 20, [10, 10], [20, 10]],
    ['shortSide', 20, 40, [10, 10], [10, 20]],
    ['shortSide', 5, 4, [256, 256], [320, 256]],
    ['stretch', 40, 20, [7, 9], [7, 9]],
    ['letterbox', 40, 20, [10, 10], [10, 10]],
    ['shortSide', 500, 1, [10, 10], [5000, 10]],
  ] as const)('%s of %d×%d to %j gives %j', (mode, width, height, size, expected) => {
    const out = fit(grid(width, height), input({ resize: resized(mode, [...size]) }), resampler);
    expect([out.width, out.height]).toEqual(expected);
    expect(out.data.length).toBe(expected[0] * expected[1] * 3);
  });

  it('refuses an image so long that its short side would make it huge', () => {
    const long = grid(1000, 1);
    const resize = resized('shortSide', [256, 256]);
    expect(() => fit(long, input({ resize }), resampler)).toThrow('once resized');
    const { width } = fit(long, input({ resize, crop: [224, 224] }), resampler);
    expect(width).toBe(224);
  });

  it('refuses an image whose rows would fill the memory on the way to a small result', () => {
    const tower = { width: 1, height: 400_000, data: new Uint8Array(1_200_000) };
    const resize = { mode: 'stretch', size: [224, 224], kernel: 'bilinear' } as const;
    const wide = input({ resize: { ...resize, antialias: true, pad: [0, 0, 0] } });
    expect(() => fit(tower, wide, resampler)).toThrow('the image of 1×400000 once resized');
  });

  it('centers the crop', () => {
    const out = fit(grid(6, 5), input({ crop: [2, 3] }), resampler);
    expect([...out.data.subarray(0, 6)]).toEqual([2, 1, 7, 3, 1, 7]);
  });

  it('pads what letterbox leaves, and what a crop larger than the image lacks', () => {
    const boxed = fit(grid(4, 2), input({ resize: resized('letterbox', [4, 4], 9) }), resampler);
    const rows = [0, 1, 2, 3].map((y) => boxed.data[y * 12 + 1]);
    expect(rows).toEqual([9, 0, 1, 9]);
    const cropped = fit(grid(2, 2), input({ crop: [4, 4] }), resampler);
    expect([...cropped.data.subarray(0, 12)]).toEqual(new Array(12).fill(0));
    expect([...cropped.data.subarray(15, 21)]).toEqual([0, 0, 7, 1, 0, 7]);
  });

  it('knows the size beforehand where the image does not decide it', () => {
    expect(fixedSize(input({ resize: resized('stretch', [7, 9]) }))).toEqual([7, 9]);
    expect(fixedSize(input({ resize: resized('shortSide', [8, 8]), crop: [4, 4] }))).toEqual([
      4, 4,
    ]);
    expect(fixedSize(input({ resize: resized('shortSide', [8, 8]) }))).toBeUndefined();
  });
});

describe('imageToTensor', () => {
  const pixel: Rgb8 = { width: 2, height: 1, data: Uint8Array.of(10, 20, 30, 40, 50, 60) };

  it('orders channels and layout', () => {
    expect([...imageToTensor(pixel, input()).data]).toEqual([10, 40, 20, 50, 30, 60]);
    expect([...imageToTensor(pixel, input({ color: 'bgr' })).data]).toEqual([
      30, 60, 20, 50, 10, 40,
    ]);
    const nhwc = imageToTensor(pixel, input({ color: 'bgr', layout: 'nhwc' }));
    expect([...nhwc.data]).toEqual([30, 20, 10, 60, 50, 40]);
    expect(nhwc.shape).toEqual([1, 1, 2, 3]);
  });

  it('normalizes in the declared order: (pixel · scale − mean) / std', () => {
    const spec = input({ color: 'bgr', scale: [1, 2, 3], mean: [1, 2, 3], std: [2, 4, 8] });
    const { data, shape, type } = imageToTensor(pixel, spec);
    expect([...data]).toEqual([29 / 2, 59 / 2, 38 / 4, 98 / 4, 27 / 8, 117 / 8]);
    expect([type, ...shape]).toEqual(['FP32', 1, 3, 1, 2]);
  });

  it('makes one channel of gray', () => {
    const spec = input({ color: 'gray', scale: [1], mean: [0], std: [1] });
    const { data, shape } = imageToTensor(pixel, spec);
    expect(shape).toEqual([1, 1, 1, 2]);
    expect([...data]).toEqual([18, 48]);
  });

  it('feeds integers rounded half to even and clamped, and half floats', () => {
    const spec = input({ scale: [0.25, 0.25, 0.25], mean: [10, 0, 0] });
    const resampler = createResampler();
    const of = (type: 'UINT8' | 'INT8' | 'FP16') => [
      ...imageToTensor(pixel, spec, resampler, type).data,
    ];
    expect(of('UINT8')).toEqual([0, 0, 5, 12, 8, 15]);
    expect(of('INT8')).toEqual([-8, 0, 5, 12, 8, 15]);
    expect(of('FP16').slice(2, 4)).toEqual([0x4500, 0x4a40]);
  });
});

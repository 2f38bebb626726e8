import { createHash } from 'node:crypto';
import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import type { Kernel } from '../spec/types.ts';
import type { Rgb8 } from './image.ts';
import { createResampler } from './resample.ts';

const WIDTH = 67;
const HEIGHT = 45;

/** Noise over slopes: every pixel of the source tells in the result. */
const NOISE: Rgb8 = {
  width: WIDTH,
  height: HEIGHT,
  data: Uint8Array.from(
    { length: WIDTH * HEIGHT * 3 },
    (_, i) =>
      (i * 7919 + (Math.floor(i / 3) % WIDTH) * 31 + Math.floor(i / (3 * WIDTH)) * 17) % 256,
  ),
};

/** A smooth picture, as photographs are. */
const SMOOTH: Rgb8 = {
  width: 320,
  height: 240,
  data: Uint8Array.from({ length: 320 * 240 * 3 }, (_, i) => {
    const x = Math.floor(i / 3) % 320;
    const y = Math.floor(i / 960);
    return Math.round(127.5 + 60 * Math.sin(x / 17 + (i % 3)) + 60 * Math.cos(y / 23));
  }),
};

function resize(image: Rgb8, width: number, height: number, kernel: Kernel, antialias = true) {
  const view = { left: 0, top: 0, width, height };
  return createResampler().resample(image, width, height, view, kernel, antialias);
}

describe('resampling', () => {
  /** SHA-256 of the pixels that Pillow 13.0.0 `Image.resize` gives for `NOISE`. */
  const PILLOW: Record<string, string> = {
    'nearest 20x20': '3c7900ee7ac9097e',
    'nearest 33x45': '65fe4daf0c7d7a05',
    'nearest 67x30': 'f240a1c367c96328',
    'nearest 130x90': '639eb8887315955f',
    'nearest 5x3': '5cada869c08d6dbe',
    'nearest 96x17': '88f6e3005ea24cad',
    'bilinear 20x20': 'a58189f2fbb16500',
    'bilinear 33x45': '9bd6a1ce89307c23',
    'bilinear 67x30': 'd1e9a985bcc17aaf',
    'bilinear 130x90': 'd2254605ecb2abbe',
    'bilinear 5x3': 'e0ce70b315112d4e',
    'bicubic 20x20': 'fff4bb58dbbf4c16',
    'bicubic 33x45': '6acae3a85efd30ef',
    'bicubic 67x30': 'dd79ffe92ab67af3',
    'bicubic 130x90': 'c3259f49bf820e49',
    'bicubic 5x3': '703587de7937cfb1',
    'lanczos3 20x20': '92a4ec7a1d57a925',
    'lanczos3 33x45': 'a12a13bfd77d7e29',
    'lanczos3 67x30': 'c55ccc3425cf92f2',
    'lanczos3 130x90': '4bcf5792b3a5b644',
    'lanczos3 5x3': '8dc4c233a18696c7',
  };

  it.each(Object.entries(PILLOW))('%s gives the very pixels of Pillow', (what, digest) => {
    const [kernel = '', size = ''] = what.split(' ');
    const [width = 0, height = 0] = size.split('x').map(Number);
    const { data } = resize(NOISE, width, height, kernel as Kernel);
    expect(createHash('sha256').update(data).digest('hex').slice(0, 16)).toBe(digest);
  });

  it.each([
    ['nearest', 'nearest', 3],
    ['bilinear', 'linear', 1],
    ['bicubic', 'cubic', 1],
    ['lanczos3', 'lanczos3', 1],
  ] as const)('%s is close to libvips', async (kernel, theirs, limit) => {
    const { width, height, data } = SMOOTH;
    const raw = { width, height, channels: 3 } as const;
    const expected = await sharp(data, { raw })
      .resize(150, 110, { kernel: theirs, fit: 'fill' })
      .raw()
      .toBuffer();
    const actual = resize(SMOOTH, 150, 110, kernel).data;
    const sum = actual.reduce((total, value, i) => total + Math.abs(value - expected[i]!), 0);
    expect(sum / actual.length).toBeLessThan(limit);
  });

  it('without antialias takes the neighbors only', () => {
    const stripes = {
      width: 4,
      height: 1,
      data: Uint8Array.of(0, 0, 0, 90, 90, 90, 30, 30, 30, 60, 60, 60),
    };
    expect([...resize(stripes, 2, 1, 'bilinear', false).data]).toEqual([45, 45, 45, 45, 45, 45]);
    expect([...resize(stripes, 2, 1, 'bilinear').data]).toEqual([43, 43, 43, 51, 51, 51]);
  });

  it('keeps one color one color, and an image of the same size as it is', () => {
    const flat = { width: 9, height: 7, data: new Uint8Array(9 * 7 * 3).fill(200) };
    for (const kernel of ['nearest', 'bilinear', 'bicubic', 'lanczos3'] as const) {
      expect(new Set(resize(flat, 23, 3, kernel).data)).toEqual(new Set([200]));
      expect(resize(NOISE, WIDTH, HEIGHT, kernel).data).toEqual(NOISE.data);
    }
  });

  it('gives in a view the same pixels as cutting them out afterwards', () => {
    const sizes = fc.record({
      width: fc.integer({ min: 1, max: 90 }),
      height: fc.integer({ min: 1, max: 90 }),
      kernel: fc.constantFrom<Kernel>('nearest', 'bilinear', 'bicubic', 'lanczos3'),
      at: fc.tuple(
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
      ),
    });
    fc.assert(
      fc.property(sizes, ({ width, height, kernel, at }) => {
        const left = Math.floor(at[0] * (width - 1));
        const top = Math.floor(at[1] * (height - 1));
        const view = {
          left,
          top,
          width: Math.ceil((width - left) / 2),
          height: Math.ceil((height - top) / 2),
        };
        const whole = resize(NOISE, width, height, kernel);
        const resampler = createResampler();
        const part = resampler.resample(NOISE, width, height, view, kernel, true);
        for (let y = 0; y < view.height; y++) {
          const from = ((top + y) * width + left) * 3;
          const expected = whole.data.subarray(from, from + view.width * 3);
          expect(part.data.subarray(y * view.width * 3, (y + 1) * view.width * 3)).toEqual(
            expected,
          );
        }
      }),
      { numRuns: 50 },
    );
  });
});

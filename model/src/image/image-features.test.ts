import { describe, expect, it } from 'vitest';
import type { Rgb8 } from './image.ts';
import { IMAGE_FEATURES, imageFeatures } from './image-features.ts';

function picture(width: number, height: number, at: (x: number, y: number) => number[]): Rgb8 {
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++) {
    data.set(at(i % width, Math.floor(i / width)), i * 3);
  }
  return { width, height, data };
}

describe('imageFeatures', () => {
  it('has a stable set of names', () => {
    const names = Object.keys(
      imageFeatures(
        'in',
        picture(4, 4, () => [1, 2, 3]),
      ),
    );
    expect(names).toEqual(IMAGE_FEATURES.map((name) => `in.${name}`));
  });

  it('of one color is that color without contrast', () => {
    const features = imageFeatures(
      'in',
      picture(40, 30, () => [255, 51, 0]),
    );
    expect(features['in.red']).toBe(1);
    expect(features['in.green']).toBeCloseTo(0.2);
    expect(features['in.blue']).toBe(0);
    expect(features['in.brightness']).toBeCloseTo(0.299 + 0.587 * 0.2);
    expect(features['in.contrast']).toBeCloseTo(0);
    expect(features['in.saturation']).toBe(1);
    expect(features['in.sharpness']).toBeCloseTo(0);
    expect(features['in.noise']).toBeCloseTo(0);
  });

  it('measures noise, and is blind to a slope', () => {
    let state = 1;
    const random = () => {
      state = (state * 48271) % 2147483647;
      return state / 2147483647;
    };
    const gauss = () => Math.sqrt(-2 * Math.log(random())) * Math.cos(2 * Math.PI * random());
    const noisy = picture(96, 96, () => {
      const v = Math.round(128 + 10 * gauss());
      return [v, v, v];
    });
    expect(imageFeatures('in', noisy)['in.noise']! * 255).toBeCloseTo(10, 0);
    const slope = picture(96, 96, (x) => [x, x, x]);
    expect(imageFeatures('in', slope)['in.noise']).toBeLessThan(0.001);
  });

  it('finds a blurred picture less sharp, whatever its size', () => {
    const checks = (cell: number) =>
      picture(256, 256, (x, y) => {
        const v = (Math.floor(x / cell) + Math.floor(y / cell)) % 2 ? 255 : 0;
        return [v, v, v];
      });
    const soft = picture(256, 256, (x, y) => {
      const v = Math.round(127 + 127 * Math.sin(x / 16) * Math.sin(y / 16));
      return [v, v, v];
    });
    const sharpness = (image: Rgb8) => imageFeatures('in', image)['in.sharpness']!;
    expect(sharpness(checks(16))).toBeGreaterThan(5 * sharpness(soft));
  });

  it('takes an image of one pixel', () => {
    const features = imageFeatures(
      'in',
      picture(1, 1, () => [0, 0, 0]),
    );
    expect(Object.values(features).every((value) => value === 0)).toBe(true);
  });
});

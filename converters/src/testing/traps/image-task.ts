import { bellNumbers, type Matrix, orthogonal, scaled } from './matrix.ts';
import type { TrapSample } from './trap.ts';

/** Channels of the images, and their side. */
export const CHANNELS = 8;
export const SIDE = 12;
export const IMAGE_SHAPE = [1, CHANNELS, SIDE, SIDE] as const;

const CLASSES = 6;
/** Of the class's direction within a sample, and of single pixels: a few samples lie near a border. */
const SPREAD = 0.28;
const PIXEL_NOISE = 0.8;

/** The direction of each class in the space of channels, at right angles to the others. */
const TEMPLATES: Matrix = orthogonal(CHANNELS, 99).slice(0, CLASSES);

/** Scores by similarity to the templates: the best classifier for these images. */
export const SCORES: Matrix = scaled(TEMPLATES, 6);

/** Images whose mean color is near the template of their class. */
export function drawImages(seed: number, count: number): TrapSample[] {
  const random = bellNumbers(seed);
  return Array.from({ length: count }, (_, i) => {
    const label = i % CLASSES;
    const color = TEMPLATES[label]!.map((value) => value + SPREAD * random());
    const input = Float32Array.from({ length: CHANNELS * SIDE * SIDE }, (_, at) => {
      const channel = Math.floor(at / (SIDE * SIDE));
      return color[channel]! + PIXEL_NOISE * random();
    });
    return { input, label };
  });
}

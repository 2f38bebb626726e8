import { seededRandom } from '../../support/random.ts';
import { fp32 } from './datasets.ts';
import type { Sample } from './subject.ts';

export interface ImageForm {
  readonly input: string;
  readonly size: number;
  readonly layout: 'nchw' | 'nhwc';
  /** What a pixel from 0 to 255 becomes. */
  pixel(value: number): number;
}

const WAVES = 6;
const CYCLES = 5;
const NOISE = 12;

/**
 * Images of a few color waves and a little noise: their spectrum falls with frequency as that of
 * photographs does, so that a network sees more in them than in noise alone.
 */
export function seededImages(count: number, seed: number, form: ImageForm): Sample[] {
  const random = seededRandom(seed);
  return Array.from({ length: count }, () => imageOf(random, form));
}

function imageOf(random: () => number, { input, size, layout, pixel }: ImageForm): Sample {
  const data = new Float32Array(3 * size * size);
  for (let channel = 0; channel < 3; channel++) {
    const waves = Array.from({ length: WAVES }, () => waveOf(random));
    const base = 64 + random() * 128;
    for (let y = 0; y < size; y++) {
      for (let x = 0; x < size; x++) {
        let value = base + (random() - 0.5) * 2 * NOISE;
        for (const { fx, fy, phase, amplitude } of waves) {
          value += amplitude * Math.cos(((fx * x + fy * y) / size) * 2 * Math.PI + phase);
        }
        const at =
          layout === 'nchw' ? (channel * size + y) * size + x : (y * size + x) * 3 + channel;
        data[at] = pixel(Math.min(255, Math.max(0, Math.round(value))));
      }
    }
  }
  const shape = layout === 'nchw' ? [1, 3, size, size] : [1, size, size, 3];
  return { tensors: { [input]: fp32(shape, data) } };
}

function waveOf(random: () => number) {
  const fx = (random() - 0.5) * 2 * CYCLES;
  const fy = (random() - 0.5) * 2 * CYCLES;
  const amplitude = 90 / (1 + Math.hypot(fx, fy));
  return { fx, fy, phase: random() * 2 * Math.PI, amplitude };
}

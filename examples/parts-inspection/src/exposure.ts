import { createRandom } from './random.ts';
import { FRAME, type Illumination } from './scene.ts';

/** Scales the sum of four random bytes (mean 510, σ 147.8) to a standard normal. */
const BYTES_MEAN = 510;
const BYTES_SIGMA = Math.sqrt((4 * (256 ** 2 - 1)) / 12);

/**
 * Lights a frame in place and adds sensor noise.
 * @param pixels RGB bytes of a 160×120 frame, rows from the top.
 * @param seed of the noise.
 */
export function expose(pixels: Uint8Array, illumination: Illumination, seed: number): void {
  const { gain, direction, slope, vignette, noise } = illumination;
  const random = createRandom(seed);
  const towardX = Math.cos(direction) * slope;
  const towardY = Math.sin(direction) * slope;
  const noiseScale = noise / BYTES_SIGMA;
  let offset = 0;
  for (let row = 0; row < FRAME.height; row += 1) {
    const y = (2 * (row + 0.5)) / FRAME.height - 1;
    for (let column = 0; column < FRAME.width; column += 1) {
      const x = (2 * (column + 0.5)) / FRAME.width - 1;
      const local =
        Math.max(0.05, 1 + towardX * x + towardY * y) * (1 - vignette * 0.5 * (x * x + y * y));
      for (const channelGain of gain) {
        const grain = (sumOfBytes(random.bits()) - BYTES_MEAN) * noiseScale;
        const value = (pixels[offset] ?? 0) * local * channelGain + grain;
        pixels[offset] = Math.max(0, Math.min(255, value));
        offset += 1;
      }
    }
  }
}

function sumOfBytes(word: number): number {
  return (word & 255) + ((word >>> 8) & 255) + ((word >>> 16) & 255) + (word >>> 24);
}

import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { renderPart } from './frame.ts';
import { DRIFTS, PART_LABELS } from './labels.ts';
import { inputStatistics, renderSamples } from './measure.ts';

describe('renderPart', () => {
  it('gives the same bytes for the same seed and other bytes for another', async () => {
    const render = (seed: number) => renderPart({ label: 'gear', seed, format: 'jpeg' });
    const [first, again, other] = await Promise.all([render(4), render(4), render(5)]);
    expect(Buffer.compare(first.bytes, again.bytes)).toBe(0);
    expect(Buffer.compare(first.bytes, other.bytes)).not.toBe(0);
  });

  it.each(PART_LABELS)('renders a %s as a 160×120 RGB JPEG', async (label) => {
    const { bytes } = await renderPart({ label, seed: 11, format: 'jpeg' });
    const { format, width, height, channels } = await sharp(bytes).metadata();
    expect({ format, width, height, channels }).toEqual({
      format: 'jpeg',
      width: 160,
      height: 120,
      channels: 3,
    });
  });

  it('gives raw frames as RGB bytes', async () => {
    const { bytes, width, height } = await renderPart({ label: 'nut', seed: 3, format: 'raw' });
    expect(bytes.length).toBe(width * height * 3);
  });

  it.each(DRIFTS)('shows no %s drift at strength 0', async (drift) => {
    const part = { label: 'spring', seed: 8, format: 'raw' } as const;
    const [clean, drifted] = await Promise.all([
      renderPart(part),
      renderPart({ ...part, drift, strength: 0 }),
    ]);
    expect(drifted.light).toBe(clean.light);
    expect(meanDifference(clean.bytes, drifted.bytes)).toBeLessThan(1.5);
  });

  it('refuses a strength outside 0 to 1', async () => {
    const part = { label: 'bolt', seed: 1, drift: 'lamp', format: 'raw' } as const;
    await expect(renderPart({ ...part, strength: 1.5 })).rejects.toThrow(RangeError);
  });
});

describe('drift', () => {
  it('shifts brightness, color and sharpness as a failed lamp and a slipped camera do', async () => {
    const [clean, lamp, camera] = await Promise.all(
      [undefined, ...DRIFTS].map(async (drift) =>
        inputStatistics(await renderSamples({ count: 64, seed: 21, drift })),
      ),
    );
    if (!clean || !lamp || !camera) throw new Error('three sets were rendered');
    expect(lamp.brightness).toBeLessThan(0.6 * clean.brightness);
    expect(lamp.channels[2] / lamp.channels[0]).toBeLessThan(
      0.7 * (clean.channels[2] / clean.channels[0]),
    );
    expect(camera.sharpness).toBeLessThan(0.75 * clean.sharpness);
    expect(camera.contrast).toBeGreaterThan(1.2 * clean.contrast);
  });
});

function meanDifference(one: Uint8Array, other: Uint8Array): number {
  return (
    one.reduce((sum, byte, index) => sum + Math.abs(byte - (other[index] ?? 0)), 0) / one.length
  );
}

import { readFile, stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { PART_LABELS } from './labels.ts';
import { type Measurement, measureModel, renderSamples } from './measure.ts';

const MAX_BYTES = 1_000_000;
const VERSIONS = [1, 2, 3] as const;

function pathOf(version: number, file: string): string {
  return fileURLToPath(new URL(`../versions/${version}/${file}`, import.meta.url));
}

describe('the trained versions', () => {
  const measured = new Map<number, Measurement>();
  const of = (version: number): Measurement => {
    const measurement = measured.get(version);
    if (!measurement) throw new Error(`version ${version} was not measured`);
    return measurement;
  };

  beforeAll(async () => {
    const samples = await renderSamples({ count: 160, seed: 3003 });
    for (const version of VERSIONS) {
      measured.set(version, await measureModel(pathOf(version, 'model.onnx'), samples));
    }
  });

  it.each(VERSIONS)(
    'version %i is small and names the classes of the renderer',
    async (version) => {
      expect((await stat(pathOf(version, 'model.onnx'))).size).toBeLessThan(MAX_BYTES);
      const labels = (await readFile(pathOf(version, 'labels.txt'), 'utf8')).trim().split('\n');
      expect(labels).toEqual([...PART_LABELS]);
    },
  );

  it('improve from 1 to 2', () => {
    expect(of(1).accuracy).toBeGreaterThan(0.83);
    expect(of(2).accuracy).toBeGreaterThan(0.95);
    expect(of(2).accuracy).toBeGreaterThan(of(1).accuracy);
  });

  it('break with 3: wrong, unsure and with another mix of classes', () => {
    const shift = of(3).histogram.reduce(
      (sum, count, index) => sum + Math.abs(count - (of(2).histogram[index] ?? 0)) / (2 * 160),
      0,
    );
    expect(of(3).accuracy).toBeLessThan(0.5);
    expect(of(3).confidence).toBeLessThan(of(2).confidence - 0.1);
    expect(shift).toBeGreaterThan(0.2);
  });
});

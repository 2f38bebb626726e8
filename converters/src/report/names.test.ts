import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shortened } from './names.ts';

describe('names in a chart', () => {
  it('keep what is short', () => {
    expect(shortened(['image', '/stem/Relu_output_0'], 20)).toEqual([
      'image',
      '/stem/Relu_output_0',
    ]);
  });

  it('lose their middle', () => {
    const [label] = shortened(['/features/features.4/body/body.1/BatchNormalization_output_0'], 38);
    expect(label).toBe('/features/feat…hNormalization_output_0');
  });

  it('tell blocks of one model apart', () => {
    const names = [4, 5, 14].map((i) => `/features/features.${i}/body/BatchNormalization_output_0`);
    const labels = shortened(names, 38);
    expect(labels[0]).toContain('features.4');
    expect(new Set(labels).size).toBe(3);
  });

  it('stay different whatever they are, and within their length', () => {
    const name = fc.array(fc.constantFrom('a', 'b', '…', '😀'), { maxLength: 40 });
    fc.assert(
      fc.property(fc.array(name, { maxLength: 20 }), (lists) => {
        const names = lists.map((characters) => characters.join(''));
        const labels = shortened(names, 12);
        expect(new Set(labels).size).toBeGreaterThanOrEqual(new Set(names).size);
        expect(labels.every((label) => [...label].length <= 12)).toBe(true);
      }),
      { seed: 7 },
    );
  });
});

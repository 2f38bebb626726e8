import fc from 'fast-check';
import { expect, it } from 'vitest';
import { wrap } from './wrap.ts';

it.each<[string, number, string[]]>([
  ['fits', 4, ['fits']],
  ['', 4, ['']],
  ['0.0069 ms, 0.21 × fp32, estimated', 16, ['0.0069 ms,', '0.21 × fp32,', 'estimated']],
  ['100.0 % → 100.0 % (0 lost, 0 won)', 17, ['100.0 % → 100.0 %', '(0 lost, 0 won)']],
  ['100.0 % → 100.0 % (0 lost, 0 won)', 15, ['100.0 % →', '100.0 %', '(0 lost, 0 won)']],
  ['a, plain sentence of words', 14, ['a, plain', 'sentence of', 'words']],
  ['out/parts-1-x86-64-int8.flotilla', 12, ['out/parts-1-', 'x86-64-int8.', 'flotilla']],
  ['GlobalAveragePool', 8, ['GlobalAv', 'eragePoo', 'l']],
])('breaks %j at %i', (text, width, lines) => {
  expect(wrap(text, width)).toEqual(lines);
});

it('loses nothing but spaces, and no line is longer', () => {
  const words = fc.string({ unit: fc.constantFrom('a', 'é', '😀', ' ', ',', '-', '(') });
  fc.assert(
    fc.property(words, fc.integer({ min: 1, max: 12 }), (text, width) => {
      const lines = wrap(text, width);
      expect(lines.join('').replaceAll(' ', '')).toBe(text.replaceAll(' ', ''));
      expect(Math.max(...lines.map((line) => [...line].length))).toBeLessThanOrEqual(width);
    }),
  );
});

import { expect, test } from 'vitest';
import { byteCount, table } from './table.ts';

test('columns are as wide as their widest cell and numbers stand to the right', () => {
  expect(
    table(
      ['op', 'count'],
      [
        ['Conv', '26'],
        ['GlobalAveragePool', '1'],
      ],
    ).split('\n'),
  ).toEqual([
    'op                 count',
    '─────────────────  ─────',
    'Conv                  26',
    'GlobalAveragePool      1',
  ]);
});

test('sizes are told in decimal units', () => {
  expect(byteCount(1_234_567)).toBe('1.2 MB');
  expect(byteCount(512)).toBe('0.5 KB');
});

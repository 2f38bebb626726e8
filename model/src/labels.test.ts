import { describe, expect, it } from 'vitest';
import { parseLabels } from './labels.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

describe('parseLabels', () => {
  it('takes one label a line, with any line ending, and keeps empty ones between', () => {
    expect(parseLabels(bytes('tench\r\n\n great white shark \n'), 'l')).toEqual([
      'tench',
      '',
      'great white shark',
    ]);
  });

  it.each([
    [bytes(''), 'it is empty'],
    [bytes(`${'x'.repeat(256)}\n`), 'line 1 is longer than 255'],
    [bytes('\n'.repeat(100_001).concat('x')), 'more than 100000 lines'],
    [Uint8Array.of(0xff, 0xfe), 'not UTF-8'],
    [new Uint8Array(8 * 1024 * 1024 + 1), 'larger than'],
  ])('refuses %#', (input, reason) => {
    expect(() => parseLabels(input, 'labels.txt')).toThrow(reason);
  });
});

import { expect, it } from 'vitest';
import { printable } from './printable.ts';

it('leaves text and lines as they are', () => {
  expect(printable('née ● 0.5 %\n─ ✗\n')).toBe('née ● 0.5 %\n─ ✗\n');
});

it('takes the effect from what a terminal would obey', () => {
  expect(printable('\u001b[2Ja\r\u009bb\u202ec\u0007')).toBe(
    '\ufffd[2Ja\ufffd\ufffdb\ufffdc\ufffd',
  );
});

import { expect, it } from 'vitest';
import { pointAt } from './point-at.ts';

it('puts a caret under the place', () => {
  expect(pointAt({ text: 'site = lyon adn x=1', at: 13 })).toBe(
    '  site = lyon adn x=1\n              ^',
  );
  expect(pointAt({ text: 'x=', at: 3 })).toBe('  x=\n    ^');
});

it('shows what is around the place where the text is longer than the line', () => {
  const text = `${'a'.repeat(200)}!${'b'.repeat(200)}`;
  const [line = '', caret = ''] = pointAt({ text, at: 201 }, 60).split('\n');
  expect(line.length).toBeLessThan(60);
  expect(line.charAt(caret.indexOf('^'))).toBe('!');
  const [end = '', mark = ''] = pointAt({ text, at: 402 }, 60).split('\n');
  expect([end.length, mark.indexOf('^')]).toEqual([59, 59]);
});

it('counts characters as they are seen, and obeys none', () => {
  expect(pointAt({ text: '"😀"=1\n\u001b[31m', at: 5 })).toBe('  "😀"=1 \ufffd[31m\n     ^');
});

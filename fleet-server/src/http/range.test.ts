import { expect, it } from 'vitest';
import { parseRange } from './range.ts';

it.each([
  [undefined, 100, 'whole'],
  ['bytes=0-9', 100, { first: 0, last: 9 }],
  ['bytes=90-', 100, { first: 90, last: 99 }],
  ['bytes=90-1000', 100, { first: 90, last: 99 }],
  ['bytes=-10', 100, { first: 90, last: 99 }],
  ['bytes=-1000', 100, { first: 0, last: 99 }],
  ['bytes=100-', 100, 'unsatisfiable'],
  ['bytes=-0', 100, 'unsatisfiable'],
  ['bytes=0-', 0, 'unsatisfiable'],
  ['bytes=9-5', 100, 'whole'],
  ['bytes=0-1,5-6', 100, 'whole'],
  ['items=0-1', 100, 'whole'],
  ['bytes=-', 100, 'whole'],
])('%s of %i bytes is %j', (header, size, expected) => {
  expect(parseRange(header, size)).toEqual(expected);
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Dim } from '../ir/graph.ts';
import {
  add,
  ceilDivide,
  divideProducts,
  floorDivide,
  lowerBound,
  multiply,
  subtract,
} from './symbolic.ts';

describe('sizes known only at run time', () => {
  it.each<[string, Dim, Dim]>([
    ['a sum, in one order', add('b', 'a'), 'a + b'],
    ['a sum that cancels', subtract(add('a', 3), 'a'), 3],
    ['a product, in one order', multiply(multiply('b', 2), 'a'), '2*a*b'],
    ['a product of sums', multiply(add('a', 1), add('a', -1)), 'a*a + -1'],
    ['an even quotient', floorDivide(multiply('a', 4), 2), '2*a'],
    ['an uneven quotient', floorDivide(add('a', 3), 2), 'floor((a + 1)/2) + 1'],
    ['a quotient of a quotient', floorDivide(floorDivide('a', 2), 2), 'floor((floor((a)/2))/2)'],
    ['a quotient rounded up', ceilDivide('a', 2), 'floor((a + 1)/2)'],
    ['a quotient of products', divideProducts(['batch', 'rows', 64], ['batch', 8]), '8*rows'],
    ['a quotient by a product', divideProducts([multiply('a', 'b')], ['b']), 'a'],
    ['nothing where it does not divide', divideProducts(['a'], ['b']), null],
    ['nothing where nothing is known', add('a', null), null],
  ])('give %s', (_, found, expected) => {
    expect(found).toBe(expected);
  });

  it('are at least what they are a sum of', () => {
    expect(lowerBound(add('a', 2))).toBe(2);
    expect(lowerBound(subtract(2, 'a'))).toBe(Number.NEGATIVE_INFINITY);
  });

  it('are given up where they grow without end', () => {
    let size: Dim = add('a', 'b');
    for (let i = 0; i < 60; i++) size = multiply(size, add(size, `c${i}`));
    expect(size).toBeNull();
  });
});

it('arithmetic on symbols is that on the numbers they stand for', () => {
  const values: Readonly<Record<string, number>> = { a: 3, b: 7, c: 12 };
  const numberFor = (dim: Dim): number =>
    typeof dim === 'number'
      ? dim
      : Number(
          new Function(
            ...Object.keys(values),
            `return ${String(dim).replaceAll('floor', 'Math.floor')}`,
          )(...Object.values(values)),
        );
  const dim = fc.letrec<{ dim: Dim; sum: Dim; product: Dim; quotient: Dim }>((tie) => ({
    dim: fc.oneof(
      { maxDepth: 3 },
      fc.constantFrom<Dim>('a', 'b', 'c'),
      fc.integer({ min: 0, max: 9 }),
      tie('sum'),
      tie('product'),
      tie('quotient'),
    ),
    sum: fc.tuple(tie('dim'), tie('dim')).map(([x, y]) => add(x, y)),
    product: fc.tuple(tie('dim'), tie('dim')).map(([x, y]) => multiply(x, y)),
    quotient: fc
      .tuple(tie('dim'), fc.integer({ min: 1, max: 5 }))
      .map(([x, n]) => floorDivide(x, n)),
  })).dim;
  const holds = (found: Dim, expected: number) => found === null || numberFor(found) === expected;
  const property = fc.property(dim, dim, fc.integer({ min: 1, max: 5 }), (x, y, n) => {
    if (x === null || y === null) return;
    const [p, q] = [numberFor(x), numberFor(y)];
    expect(holds(add(x, y), p + q)).toBe(true);
    expect(holds(subtract(x, y), p - q)).toBe(true);
    expect(holds(multiply(x, y), p * q)).toBe(true);
    expect(holds(floorDivide(x, n), Math.floor(p / n))).toBe(true);
    expect(holds(divideProducts([x, y], [y]), q === 0 ? NaN : p) || q === 0).toBe(true);
  });
  fc.assert(property, { numRuns: process.env.FLOTILLA_LONG ? 20_000 : 500 });
});

import { isFlotillaError } from '@flotilla/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileSelector } from './compile.ts';
import { parseSelector } from './parse.ts';
import { type Expression, printSelector } from './syntax.ts';

function caught(run: () => unknown): unknown {
  try {
    run();
    return undefined;
  } catch (error) {
    return error;
  }
}

describe('reading a selector', () => {
  it.each([
    ['', 1, 'expected a key'],
    ['site', 5, "expected '=', '!=', '<', '>' or 'in' after site"],
    ['site=', 6, 'expected a value'],
    ['site=lyon target=x', 11, "expected 'and', 'or' or the end, found \"target\""],
    ['(site=lyon', 11, "expected ')'"],
    ['site=lyon and', 14, 'expected a key'],
    ['site in lyon', 9, "expected '('"],
    ['site=lyon & x=1', 11, 'unexpected "&"'],
    ['site not lyon', 10, "expected 'in' after 'not'"],
    ['name="open', 6, 'unexpected "\\"", which nothing closes'],
    ['cores >', 8, 'expected a value'],
    ['cores => 4', 8, 'expected a value, found ">"'],
    ['site=All', 6, 'expected a value, found "all", which in quotes is text'],
    ['has', 4, 'after has, but it ends there'],
    ['has and x=1', 5, 'after has, found "and"'],
    [`${'('.repeat(40)}all`, 33, 'nested deeper'],
    [`x=${'1'.repeat(2000)}`, 1000, 'longer than 1000'],
  ])('says where %j is wrong', (source, at, reason) => {
    const error = caught(() => parseSelector(source));
    expect(isFlotillaError(error, 'selector.invalid') && error.context.at).toBe(at);
    expect(String(error)).toContain(reason);
  });

  it.each([
    ['a=1 or b=2 and not c=3', 'a=1 or b=2 and not c=3'],
    ['(a=1 or b=2) and c = 3', '(a=1 or b=2) and c=3'],
    ['A in (1) AND NOT (b!=2)', 'A=1 and not b!=2'],
    [`has camera and name = "it's" and x not in ('a b', c)`, null],
    ['memory>=4GB and seen < 10m', 'memory >= 4GB and seen < 10m'],
    ['has = has and has has', 'has=has and has has'],
    ['"and" = "or" or x = "*" or *', '"and"="or" or x="*" or all'],
  ])('prints %j again', (source, printed) => {
    const text = printSelector(parseSelector(source));
    if (printed !== null) expect(text).toBe(printed);
    expect(withoutPlaces(parseSelector(text))).toEqual(withoutPlaces(parseSelector(source)));
  });

  const word = fc.oneof(
    fc.constantFrom('site', 'has', 'in', 'not', 'and', '*', '', 'a b', 'cores', 'group', '<'),
    fc.string({ maxLength: 8 }).map((text) => text.replaceAll('"', '')),
  );
  const value = word.map((text) => ({ text, at: 0 }));
  const key = word.map((text) => ({ text: text === '*' ? 'k' : text, at: 0 }));
  const expression: fc.Arbitrary<Expression> = fc.letrec<{ one: Expression }>((tie) => {
    const several = fc.array(tie('one'), { minLength: 2, maxLength: 3 });
    return {
      one: fc.oneof(
        { depthSize: 'small', maxDepth: 5, withCrossShrink: true },
        fc.record({ kind: fc.constant('has' as const), key }),
        fc.record({
          kind: fc.constant('match' as const),
          key,
          negated: fc.boolean(),
          values: fc.array(value, { minLength: 1, maxLength: 3 }),
        }),
        fc.record({
          kind: fc.constant('order' as const),
          key,
          order: fc.record({
            text: fc.constantFrom('<' as const, '<=' as const, '>' as const, '>=' as const),
            at: fc.constant(0),
          }),
          value,
        }),
        fc.constant({ kind: 'all' as const }),
        fc.record({ kind: fc.constant('not' as const), of: tie('one') }),
        fc.record({ kind: fc.constant('and' as const), of: several }),
        fc.record({ kind: fc.constant('or' as const), of: several }),
      ),
    };
  }).one;

  it('reads what it prints as the same', () => {
    const shortOnes = expression.filter((one) => printSelector(one).length <= 1000);
    fc.assert(
      fc.property(shortOnes, (one) => {
        expect(withoutPlaces(parseSelector(printSelector(one)))).toEqual(withoutPlaces(one));
      }),
    );
  });

  const piece = fc.constantFrom(
    ...['site', '=', '!=', '<', '>=', 'in', 'not', '(', ')', ',', 'and', 'or', '*', 'has'],
    ...['group', 'cores', 'online', 'memory', '4GB', '"a"', 'seen', '10m', 'agent', '1.2'],
  );

  it('ends with a selector or with one clear error, whatever the text', () => {
    const texts = fc.oneof(
      fc.string(),
      fc.string({ unit: 'binary', maxLength: 60 }),
      fc.array(piece).map((pieces) => pieces.join(' ')),
    );
    fc.assert(
      fc.property(texts, (text) => {
        const error = caught(() => compileSelector(text, parseSelector(text), new Map()));
        if (error === undefined) return;
        expect(isFlotillaError(error, 'selector.invalid')).toBe(true);
        const { at } = (error as { context: { at: number } }).context;
        expect(at).toBeGreaterThanOrEqual(1);
        expect(at).toBeLessThanOrEqual(text.length + 1);
      }),
    );
  });
});

/** As it was read, wherever it stood. */
const withoutPlaces = (expression: Expression): unknown =>
  JSON.parse(JSON.stringify(expression, (name, value) => (name === 'at' ? undefined : value)));

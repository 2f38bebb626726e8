import { isFlotillaError } from '@flotilla/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseSelector, type SelectableDevice } from './selector.ts';

const pi: SelectableDevice = {
  id: '01j00000000000000000000001',
  name: 'press 4',
  target: 'raspberry-pi-5',
  online: true,
  tags: { site: 'lyon', line: 'a', name: 'tagged' },
  versions: ['parts@3', 'sound@1'],
};

const selects = (source: string, device: SelectableDevice = pi) => parseSelector(source)(device);

describe('a selector', () => {
  it.each([
    ['all', true],
    ['*', true],
    ['site=lyon and target=raspberry-pi-5', true],
    ['site=lyon and target=jetson-orin', false],
    ['site=paris or target=raspberry-pi-5', true],
    ['site = paris or site = lyon and line = b', false],
    ['(site=paris or site=lyon) and line=a', true],
    ['not site=paris', true],
    ['not (site=lyon or line=b)', false],
    ['site!=paris', true],
    ['site!=lyon', false],
    ['site in (paris, lyon)', true],
    ['site not in (paris,lyon)', false],
    ['target=raspberry-*', true],
    ['target=*-pi-*', true],
    ['target=jetson*', false],
    ['name="press 4"', true],
    ["name='press *'", true],
    ['tag.name=tagged', true],
    ['online=true', true],
    ['version=parts@3', true],
    ['version=3', true],
    ['version!=parts@3', false],
    ['version=parts@*', true],
    ['rack=1', false],
    ['rack!=1', true],
    ['id=01j00000000000000000000001', true],
    ['NOT online=false AND ALL', true],
  ])('reads %s', (source, expected) => {
    expect(selects(source)).toBe(expected);
  });

  it.each([
    ['', 1, 'expected a key'],
    ['site', 5, "expected '=', '!=' or 'in' after site"],
    ['site=', 6, 'expected a value'],
    ['site=lyon target=x', 11, "expected 'and', 'or' or the end, found \"target\""],
    ['(site=lyon', 11, "expected ')'"],
    ['site=lyon and', 14, 'expected a key'],
    ['site in lyon', 9, "expected '('"],
    ['site=lyon & x=1', 11, 'unexpected "&"'],
    ['site not lyon', 10, "expected 'in' after 'not'"],
    ['name="open', 6, 'unexpected "\\""'],
    [`${'('.repeat(40)}all`, 33, 'nested deeper'],
  ])('says where %j is wrong', (source, at, reason) => {
    const error = caught(() => parseSelector(source));
    expect(isFlotillaError(error, 'selector.invalid') && error.context.at).toBe(at);
    expect(String(error)).toContain(reason);
  });

  it('does not reach the prototype of the tags', () => {
    expect(selects('constructor=*')).toBe(false);
    expect(selects('__proto__=*')).toBe(false);
  });

  it('ends with a selector or with one clear error, whatever the text', () => {
    const word = fc.constantFrom('site', '=', '!=', 'in', 'not', '(', ')', ',', 'and', 'or', '*');
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(word).map((words) => words.join(' ')),
        ),
        (text) => {
          const error = caught(() => parseSelector(text)(pi));
          return error === undefined || isFlotillaError(error, 'selector.invalid');
        },
      ),
    );
  });
});

function caught(run: () => unknown): unknown {
  try {
    run();
    return undefined;
  } catch (error) {
    return error;
  }
}

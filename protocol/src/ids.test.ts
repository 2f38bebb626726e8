import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkName, isDigest, isFleet, isId, isName, newId } from './ids.ts';

describe('ids', () => {
  it('are lower-case ULIDs that sort by time', () => {
    const time = fc.integer({ min: 0, max: 2 ** 48 - 1 });
    fc.assert(
      fc.property(time, time, (a, b) => {
        const [one, two] = [newId(a), newId(b)];
        expect(isId(one)).toBe(true);
        if (a !== b) expect(one < two).toBe(a < b);
      }),
    );
  });

  it('write the time as the ULID specification does', () => {
    expect(newId(1469918176385).slice(0, 10)).toBe('01aryz6s41');
  });

  it('differ within a millisecond', () => {
    expect(new Set(Array.from({ length: 1000 }, () => newId(1))).size).toBe(1000);
  });

  it.each([
    '',
    '01ARYZ6S41TSV4RRFFQ69G5FAV',
    '81aryz6s41tsv4rrffq69g5fav',
    '01aryz6s41tsv4rrffq69g5fa',
    '01aryz6s41tsv4rrffq69g5fau',
    '01aryz6s41tsv4rrffq69g5fav\n',
  ])('%j is none', (text) => {
    expect(isId(text)).toBe(false);
  });
});

describe('names', () => {
  it.each(['a', 'parts', 'parts-2.1_x', '0', 'a'.repeat(63)])('%s is one', (name) => {
    expect(isName(name)).toBe(true);
    expect(checkName('model', name)).toBe(name);
  });

  it.each(['', 'A', '.a', '-a', 'a/b', 'a..b', 'a b', 'ä', 'a\n', '__proto__', 'a'.repeat(64)])(
    '%j is none',
    (name) => {
      expect(isName(name)).toBe(false);
      expect(() => checkName('model', name)).toThrow(/^model ".*" is not allowed: use /);
    },
  );

  it('of fleets are shorter and plainer', () => {
    expect(['lyon', 'a-1', 'a'.repeat(31)].every(isFleet)).toBe(true);
    expect(['', 'Lyon', 'a_b', 'a.b', 'a/b', '+', '#', 'a'.repeat(32)].some(isFleet)).toBe(false);
  });
});

describe('digests', () => {
  const hex = '0123456789abcdef'.repeat(4);
  it('are sha256 in lower-case hex', () => {
    expect(isDigest(`sha256:${hex}`)).toBe(true);
    const bad = [
      hex,
      `sha256:${hex.toUpperCase()}`,
      `sha256:${hex}0`,
      `sha512:${hex}`,
      `sha256:${hex}\n`,
    ];
    expect(bad.some(isDigest)).toBe(false);
  });
});

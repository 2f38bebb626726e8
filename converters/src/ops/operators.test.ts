import { describe, expect, it } from 'vitest';
import { definitionOf, OPERATORS } from './operators.ts';
import { changesOf, isDefined, MAX_UPGRADE } from './upgrade/index.ts';

describe('OPERATORS', () => {
  it.each(Object.entries(OPERATORS))('%s has versions in rising order', (_, versions) => {
    expect([...versions]).toEqual([...new Set(versions)].sort((a, b) => a - b));
    expect(versions[0]).toBeGreaterThanOrEqual(1);
  });

  it('gives the definition in force at an opset', () => {
    expect(definitionOf('Softmax', 12)).toBe(11);
    expect(definitionOf('Softmax', 26)).toBe(13);
    expect(definitionOf('Gelu', 19)).toBeUndefined();
    expect(definitionOf('toString', 19)).toBeUndefined();
  });

  it('knows operators on trial only while they were', () => {
    expect(isDefined('ImageScaler', 9)).toBe(true);
    expect(isDefined('ImageScaler', 10)).toBe(false);
  });
});

describe('changesOf', () => {
  it('names changes only at opsets where the operator got a new definition', () => {
    for (const [op, versions] of Object.entries(OPERATORS)) {
      for (let opset = 2; opset <= MAX_UPGRADE; opset++) {
        if (changesOf(op, opset - 1, opset).length === 0) continue;
        expect(versions, `${op} at ${opset}`).toContain(opset);
      }
    }
  });
});

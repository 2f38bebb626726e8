import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { candidates } from './candidates.ts';
import { suppress } from './nms.ts';

const CORNERS = Float64Array.of(
  ...[0, 0, 10, 10],
  ...[1, 0, 11, 10], // 9 / 11 of the first
  ...[20, 20, 30, 30],
  ...[5, 0, 15, 10], // 1 / 3 of the first, 6 / 14 of the second
);

describe('suppress', () => {
  it('lets the most certain of boxes that overlap stay', () => {
    expect(suppress(CORNERS, undefined, 0.5, 100)).toEqual([0, 2, 3]);
    expect(suppress(CORNERS, undefined, 0.3, 100)).toEqual([0, 2]);
    expect(suppress(CORNERS, undefined, 1, 100)).toEqual([0, 1, 2, 3]);
    expect(suppress(CORNERS, undefined, 0.5, 2)).toEqual([0, 2]);
  });

  it('keeps boxes of other classes', () => {
    expect(suppress(CORNERS, Int32Array.of(0, 1, 0, 0), 0.3, 100)).toEqual([0, 1, 2]);
  });

  it('gives no place to boxes that are empty or no numbers', () => {
    const corners = Float64Array.of(5, 5, 5, 9, Number.NaN, 0, 9, 9, ...CORNERS);
    expect(suppress(corners, undefined, 0.5, 1)).toEqual([2]);
  });
});

describe('candidates', () => {
  it('orders by falling score, the first box first among equals, and leaves out the rest', () => {
    const scores = Float64Array.of(0.3, 0.9, Number.NaN, 0.3, 0.1, 1, Number.NEGATIVE_INFINITY, 0);
    expect([...candidates(scores, 0.3)]).toEqual([5, 1, 0, 3]);
    expect([...candidates(scores, 0)]).toEqual([5, 1, 0, 3, 4]);
  });

  it('agrees with a plain sort', () => {
    const score = fc.float({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(fc.array(score, { maxLength: 300 }), (scores) => {
        const plain = scores
          .map((value, box) => ({ value, box }))
          .filter(({ value }) => value > 0)
          .sort((a, b) => b.value - a.value || a.box - b.box);
        expect([...candidates(Float64Array.from(scores), 0)]).toEqual(plain.map(({ box }) => box));
      }),
    );
  });
});

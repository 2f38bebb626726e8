import fc from 'fast-check';
import { expect, it } from 'vitest';
import { includes, type SeqRange, toRanges, withoutOldestGaps, withSeq } from './ranges.ts';

const seqs = fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 80 });

it('holds exactly the numbers that were added, in the fewest ranges', () => {
  fc.assert(
    fc.property(seqs, (added) => {
      const ranges = added.reduce<SeqRange[]>(withSeq, []);
      expect(ranges).toEqual(toRanges(added));
      const held = Array.from({ length: 61 }, (_, seq) => seq).filter((seq) =>
        includes(ranges, seq),
      );
      expect(held).toEqual([...new Set(added)].sort((a, b) => a - b));
      for (const [i, range] of ranges.entries()) {
        const next = ranges[i + 1];
        expect(range[0]).toBeLessThanOrEqual(range[1]);
        if (next !== undefined) expect(next[0]).toBeGreaterThan(range[1] + 1);
      }
    }),
  );
});

it('closes the oldest gaps only: every number stays, and the newest ranges as they are', () => {
  fc.assert(
    fc.property(seqs, fc.integer({ min: 1, max: 8 }), (added, most) => {
      const all = toRanges(added);
      const kept = withoutOldestGaps(all, most);
      expect(kept.length).toBe(Math.min(all.length, most));
      expect(added.every((seq) => includes(kept, seq))).toBe(true);
      expect(kept.slice(1)).toEqual(all.slice(all.length - kept.length + 1));
    }),
  );
});

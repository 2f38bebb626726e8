/** Inclusive range of sequence numbers. */
export type SeqRange = readonly [first: number, last: number];

/** Whether one of the ranges holds that number. Ranges are sorted, disjoint and not adjacent. */
export function includes(ranges: readonly SeqRange[], seq: number): boolean {
  return ranges.some(([first, last]) => first <= seq && seq <= last);
}

/** The ranges with one number more, again sorted, disjoint and not adjacent. */
export function withSeq(ranges: readonly SeqRange[], seq: number): SeqRange[] {
  const before = ranges.filter(([, last]) => last < seq - 1);
  const after = ranges.filter(([first]) => first > seq + 1);
  const touching = ranges.slice(before.length, ranges.length - after.length);
  const first = Math.min(seq, ...touching.map((range) => range[0]));
  const last = Math.max(seq, ...touching.map((range) => range[1]));
  return [...before, [first, last], ...after];
}

/**
 * At most that many ranges, the oldest gaps closed. An outbox sends its oldest records first, so what
 * is missing behind so many later ones was dropped or rejected and does not come any more.
 */
export function withoutOldestGaps(ranges: readonly SeqRange[], most: number): readonly SeqRange[] {
  const closed = ranges.length - most;
  const [first] = ranges;
  const last = ranges[closed];
  if (first === undefined || last === undefined || closed <= 0) return ranges;
  return [[first[0], last[1]], ...ranges.slice(closed + 1)];
}

/** The fewest ranges that hold these numbers and no others. */
export function toRanges(seqs: readonly number[]): SeqRange[] {
  const sorted = [...new Set(seqs)].sort((a, b) => a - b);
  const ranges: [number, number][] = [];
  for (const seq of sorted) {
    const last = ranges.at(-1);
    if (last !== undefined && last[1] === seq - 1) last[1] = seq;
    else ranges.push([seq, seq]);
  }
  return ranges;
}

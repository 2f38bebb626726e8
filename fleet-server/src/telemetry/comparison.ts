import { Moments } from '@flotilla/model';
import type { Comparison, Disagreement } from '@flotilla/protocol';
import { MAX_CLASSES, MAX_NAME, unreadable, wrongCounts } from './claims.ts';
import { mergeMoments } from './moments.ts';

/** Pairs of classes that are kept: what a screen shows, and what a device may send. */
const MAX_DISAGREEMENTS = 256;

type MaybeComparison = Comparison | null | undefined;

/** A shadow's comparisons as one; of the disagreements the most frequent are kept. */
export function mergeComparisons(a: MaybeComparison, b: MaybeComparison): Comparison | null {
  if (!a || !b) return a ?? b ?? null;
  return {
    compared: a.compared + b.compared,
    agreed: a.agreed + b.agreed,
    disagreements: mergeDisagreements([...a.disagreements, ...b.disagreements]),
    logLatencyRatio: mergeMoments(a.logLatencyRatio, b.logLatencyRatio),
    confidenceChange: mergeMoments(a.confidenceChange, b.confidenceChange),
    skipped: a.skipped + b.skipped,
    activeDigest: b.activeDigest,
  };
}

function mergeDisagreements(all: readonly Disagreement[]): Disagreement[] {
  const cells = new Map<string, Disagreement>();
  for (const one of all) {
    const key = `${one.active} ${one.shadow}`;
    cells.set(key, { ...one, count: one.count + (cells.get(key)?.count ?? 0) });
  }
  return [...cells.values()]
    .sort((a, b) => b.count - a.count || a.active - b.active || a.shadow - b.shadow)
    .slice(0, MAX_DISAGREEMENTS);
}

/** Why a comparison cannot be taken in, in a few words; false where it can. */
export function comparisonFault(comparison: MaybeComparison): string | false {
  if (!comparison) return false;
  const { compared, agreed, skipped, disagreements, activeDigest } = comparison;
  const { logLatencyRatio: ratio, confidenceChange: change } = comparison;
  if (disagreements.length > MAX_DISAGREEMENTS) {
    return `its comparison has ${disagreements.length} disagreements`;
  }
  const counts = disagreements.map(({ count }) => count);
  const fault =
    wrongCounts('comparisons', [compared, agreed, skipped], 3) ||
    wrongCounts('disagreements', counts, MAX_DISAGREEMENTS);
  if (fault !== false) return fault;
  // of boxes, a sample may name several
  const isNamed = counts.some((count) => count > 0);
  if (agreed > compared || (isNamed && agreed === compared))
    return 'its comparison does not add up';
  const classes = disagreements.flatMap(({ active, shadow }) => [active, shadow]);
  if (classes.some((index) => index >= MAX_CLASSES)) return 'a disagreement names no class';
  if (activeDigest.length > MAX_NAME) return 'a name is too long';
  for (const moments of [ratio, change]) {
    if (!moments) continue;
    const wrong = unreadable(() => Moments.fromWire(moments));
    if (wrong !== false) return wrong;
    if (moments.count > compared) return 'its comparison does not add up';
  }
  return outOfRange(ratio, MAX_LOG_RATIO) || outOfRange(change, 1)
    ? 'its comparison is out of range'
    : false;
}

/** A run time over another one: neither is below a nanosecond or above a month. */
const MAX_LOG_RATIO = 40;

/** m2 of values within ±most is at most count · most². */
const outOfRange = (moments: Comparison['logLatencyRatio'], most: number): boolean =>
  !!moments &&
  (moments.min < -most ||
    moments.max > most ||
    Math.abs(moments.mean) > most ||
    moments.m2 > moments.count * most ** 2);

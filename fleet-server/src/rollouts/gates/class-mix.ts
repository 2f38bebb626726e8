import { chiSquareTail } from '@flotilla/model';
import { type Matched, matchPairs, over, withoutEvidence } from './matched.ts';
import { spentAlpha, writeP } from './statistics.ts';
import type { Gate, Side } from './types.ts';

/** Classes with fewer matched predictions than this are judged together: the G-test's usual rule. */
const RARE = 5;

const predictions = ({ classCounts }: Side): number => sum(classCounts);

/**
 * Change in what a model predicts on the same devices: G-test of homogeneity on the matched class
 * counts (Sokal and Rohlf), closed only where the total variation distance is also as large as
 * the limit.
 */
export const classMix: Gate = {
  title: 'Class mix against the previous version',
  judge({ pairs }, settings) {
    const matched = matchPairs(pairs, predictions);
    const missing = withoutEvidence(matched, pairs, settings);
    if (missing !== undefined) return missing;
    const now = mergedCounts(matched, 'candidate');
    const before = mergedCounts(matched, 'baseline');
    const distance = totalVariation(now, before, matched.total);
    const { g, df } = gTest(...poolRare(now, before));
    const p = df === 0 ? 1 : chiSquareTail(g, df);
    const level = spentAlpha(settings.alpha, matched.total, settings.minInferences);
    const limit = settings.maxClassDistance;
    const closed = distance >= limit && p < level;
    const sentence = `class mix moved by ${distance.toFixed(2)} over ${over(matched)} (${writeP(p)}, limit ${limit}): ${closed ? 'closed' : 'open'}`;
    const numbers = { distance, g, df, p, level, limit, inferences: matched.inferences };
    return { state: closed ? 'closed' : 'open', sentence, numbers };
  },
};

/** Counts by class, each device scaled to its matched inferences, so that both sides sum alike. */
function mergedCounts({ pairs }: Matched, side: 'candidate' | 'baseline'): number[] {
  const merged: number[] = [];
  for (const pair of pairs) {
    const { classCounts } = pair[side];
    const scale = pair.matched / sum(classCounts);
    classCounts.forEach((count, i) => {
      merged[i] = (merged[i] ?? 0) + count * scale;
    });
  }
  return merged;
}

function totalVariation(a: readonly number[], b: readonly number[], total: number): number {
  let distance = 0;
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    distance += Math.abs((a[i] ?? 0) - (b[i] ?? 0));
  }
  return distance / (2 * total);
}

function poolRare(a: readonly number[], b: readonly number[]): [number[], number[]] {
  const [pooledA, pooledB] = [[0], [0]];
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const [countA, countB] = [a[i] ?? 0, b[i] ?? 0];
    if (countA + countB < 2 * RARE) {
      pooledA[0] = (pooledA[0] ?? 0) + countA;
      pooledB[0] = (pooledB[0] ?? 0) + countB;
    } else {
      pooledA.push(countA);
      pooledB.push(countB);
    }
  }
  return [pooledA, pooledB];
}

/** Both rows have the same sum, so a class is expected half in each. */
function gTest(a: readonly number[], b: readonly number[]): { g: number; df: number } {
  let [g, classes] = [0, 0];
  a.forEach((countA, i) => {
    const countB = b[i] ?? 0;
    const expected = (countA + countB) / 2;
    if (expected === 0) return;
    classes++;
    for (const count of [countA, countB]) {
      if (count > 0) g += 2 * count * Math.log(count / expected);
    }
  });
  return { g, df: classes - 1 };
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}

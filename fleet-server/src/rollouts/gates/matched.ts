import { plural } from './statistics.ts';
import type { DevicePair, GateSettings, Side, Verdict } from './types.ts';

/** A pair with the weight that it has in a comparison. */
export interface MatchedPair extends DevicePair {
  /** Inferences that count on both sides: the smaller of the two. */
  readonly matched: number;
}

/** Evidence in which both versions have the same share of each device. */
export interface Matched {
  readonly pairs: readonly MatchedPair[];
  /** Sum of the pairs' matched inferences. */
  readonly total: number;
  /** Inferences of the new version on these devices: what a person is told. */
  readonly inferences: number;
}

/**
 * Pairs device by device. A device that made most of the old version's inferences must not stand
 * for one that makes most of the new version's: each counts with the smaller of its two numbers.
 */
export function matchPairs(pairs: readonly DevicePair[], count: (side: Side) => number): Matched {
  const matched = pairs
    .map((pair) => ({ ...pair, matched: Math.min(count(pair.candidate), count(pair.baseline)) }))
    .filter((pair) => pair.matched > 0);
  return {
    pairs: matched,
    total: matched.reduce((sum, pair) => sum + pair.matched, 0),
    inferences: matched.reduce((sum, pair) => sum + count(pair.candidate), 0),
  };
}

/** The verdict where there is nothing to judge yet; undefined where there is. */
export function withoutEvidence(
  matched: Matched,
  pairs: readonly DevicePair[],
  settings: GateSettings,
): Omit<Verdict, 'gate'> | undefined {
  if (pairs.length === 0) {
    const sentence = 'no device ran a previous version: nothing to compare with';
    return { state: 'not-applicable', sentence, numbers: {} };
  }
  if (matched.total >= settings.minInferences) return undefined;
  const sentence = `not enough evidence: ${Math.floor(matched.total)} of ${settings.minInferences} inferences by both versions on the same devices`;
  const numbers = { matched: matched.total, minInferences: settings.minInferences };
  return { state: 'waiting', sentence, numbers };
}

/** "184 inferences on 1 device" */
export const over = ({ inferences, pairs }: Matched): string =>
  `${plural(inferences, 'inference')} on ${plural(pairs.length, 'device')}`;

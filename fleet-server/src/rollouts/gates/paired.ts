import { meanEvidence, type Prior, summarize } from './e-values.ts';
import { plural, writeCount } from './text.ts';
import type { DevicePair, Finding, GateSettings, Nothing, Side, Spread } from './types.ts';

/** A device says something of a version from so many observations with each. */
export const MIN_PER_DEVICE = 20;

/** What one device says: how much the version changed there, in the direction that is bad. */
export interface Change {
  /** Observations that count on both sides: the smaller of the two. */
  readonly matched: number;
  /** Observations with the new version: what a person is told. */
  readonly observed: number;
  readonly change: number;
  /** Variance of `change` by the number of observations. */
  readonly sampling: number;
  readonly before: number;
  readonly now: number;
}

/** What all devices say together. */
export interface Changes {
  readonly devices: readonly Change[];
  /** Sum of matched observations over all devices, those with few included. */
  readonly total: number;
  readonly observed: number;
  /** Means over devices: each is where its inputs are, and counts once. */
  readonly before: number;
  readonly now: number;
}

/**
 * Takes from each pair what it says.
 *
 * @param smallest matched observations from which a device counts
 * @param measure undefined where the pair says nothing of this kind
 */
export function changesOf(
  pairs: readonly DevicePair[],
  measure: (pair: DevicePair) => Change | undefined,
  smallest = MIN_PER_DEVICE,
): Changes {
  const all = pairs.map(measure).filter((one) => one !== undefined && one.matched > 0) as Change[];
  const devices = all.filter(({ matched }) => matched >= smallest);
  return {
    devices,
    total: all.reduce((sum, one) => sum + one.matched, 0),
    observed: devices.reduce((sum, one) => sum + one.observed, 0),
    before: mean(devices.map(({ before }) => before)),
    now: mean(devices.map(({ now }) => now)),
  };
}

/** The verdict where there is nothing to judge, yet or at all; undefined where there is. */
export function withoutEvidence(
  { devices, total }: Changes,
  pairs: readonly DevicePair[],
  { minInferences }: Pick<GateSettings, 'minInferences'>,
  what = 'inferences by both versions on the same devices',
): Nothing | undefined {
  if (pairs.length === 0) {
    const sentence = 'no device ran a previous version: nothing to compare with';
    return { state: 'not-applicable', sentence, numbers: {} };
  }
  if (total >= minInferences && devices.length > 0) return undefined;
  const numbers = { matched: total, minInferences };
  const few = total >= minInferences ? `, too few on each device` : '';
  const sentence = `not enough evidence: ${writeCount(Math.floor(total))} of ${writeCount(minInferences)} ${what}${few}`;
  return { state: 'waiting', sentence, numbers };
}

/** How large changes may be, and how far they are believed. */
export interface Limit {
  readonly tolerated: number;
  readonly prior: Prior;
  readonly text: string;
}

/**
 * Judges the mean of the devices' changes. A single device counts no more than a change that would
 * convince alone, so that one that lies or has broken down neither closes a gate nor keeps it open.
 */
export function findChange(
  changes: Changes,
  { tolerated, prior, text }: Limit,
  seen: (changes: Changes) => string,
): Finding {
  const cap = Math.abs(tolerated) + MAX_SPREADS * prior.spread;
  const capped = changes.devices.map(({ change, sampling }) => ({
    change: Math.max(-cap, Math.min(cap, change)),
    sampling,
  }));
  const differences = summarize(capped);
  const { before, now, observed } = changes;
  return {
    log: meanEvidence(differences, tolerated, prior),
    seen: seen(changes),
    limit: `${text} tolerated`,
    numbers: {
      before,
      now,
      change: differences.mean,
      spread: Math.sqrt(differences.variance),
      devices: differences.count,
      inferences: observed,
      limit: tolerated,
    },
  };
}

const MAX_SPREADS = 8;

/** Variance of a mean; a single observation says nothing of spread, so the caller names one. */
export const meanVariance = ({ count, m2 }: Spread, single: number): number =>
  count > 1 ? m2 / (count - 1) / count : single;

/** Variance of the difference of two shares. */
export const shareVariance = (a: number, n: number, b: number, m: number): number =>
  oneShareVariance(a, n) + oneShareVariance(b, m);

/** With one of each kind added, since nothing is never (Agresti and Coull 1998). */
export function oneShareVariance(hits: number, of: number): number {
  const share = (hits + 1) / (of + 2);
  return (share * (1 - share)) / of;
}

/** Of both sides of a pair the smaller number. */
export const smaller = ({ candidate, baseline }: DevicePair, count: (side: Side) => number) =>
  Math.min(count(candidate), count(baseline));

/** "184 inferences on 1 device" */
export const over = ({ observed, devices }: Changes): string =>
  `${plural(observed, 'inference')} on ${plural(devices.length, 'device')}`;

const mean = (numbers: readonly number[]): number =>
  numbers.length === 0 ? 0 : numbers.reduce((sum, n) => sum + n, 0) / numbers.length;

import { LogHistogram } from '@flotilla/model';
import type { Comparison, Moments, Window } from '@flotilla/protocol';
import { addCounts, emptyWindow } from '../telemetry/merge.ts';
import { LATENCY_SLACK_MS } from './gates/latency.ts';
import type { ShadowComparison, Side, Spread } from './gates/types.ts';

const NONE: Spread = { count: 0, mean: 0, m2: 0 };

/** What the gates want to know of merged windows. */
export function sideOf(window: Window): Side {
  const { inferences, errors, classCounts, labeled, correct, latencyUs } = window;
  return {
    ...{ inferences, errors, classCounts, labeled, correct },
    logLatency: latencyUs
      ? LogHistogram.fromWire(latencyUs).moments((us) => Math.log(us / 1000 + LATENCY_SLACK_MS))
      : NONE,
    confidence: spreadOf(window.confidence),
    rssBytes: window.resources?.rssBytes ?? 0,
  };
}

/** Undefined where no shadow was compared. */
export function comparisonOf(
  comparison: Comparison | null | undefined,
): ShadowComparison | undefined {
  if (!comparison || comparison.compared === 0) return undefined;
  return {
    compared: comparison.compared,
    agreed: comparison.agreed,
    logLatencyRatio: spreadOf(comparison.logLatencyRatio),
    confidenceChange: spreadOf(comparison.confidenceChange),
  };
}

const spreadOf = (moments: Moments | null | undefined): Spread =>
  moments ? { count: moments.count, mean: moments.mean, m2: moments.m2 } : NONE;

export const NO_SIDE: Side = sideOf(emptyWindow());

/** What a device's inferences came to in several deployments of the same bundle. */
export function mergeSides(a: Side, b: Side): Side {
  return {
    inferences: a.inferences + b.inferences,
    errors: a.errors + b.errors,
    logLatency: mergeSpreads(a.logLatency, b.logLatency),
    confidence: mergeSpreads(a.confidence, b.confidence),
    classCounts: addCounts(a.classCounts, b.classCounts),
    rssBytes: Math.max(a.rssBytes, b.rssBytes),
    labeled: a.labeled + b.labeled,
    correct: a.correct + b.correct,
  };
}

/** Of all that a shadow was compared on. */
export function mergeShadows(
  a: ShadowComparison | undefined,
  b: ShadowComparison | undefined,
): ShadowComparison | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return {
    compared: a.compared + b.compared,
    agreed: a.agreed + b.agreed,
    logLatencyRatio: mergeSpreads(a.logLatencyRatio, b.logLatencyRatio),
    confidenceChange: mergeSpreads(a.confidenceChange, b.confidenceChange),
  };
}

/** Chan, Golub and LeVeque 1979. */
function mergeSpreads(a: Spread, b: Spread): Spread {
  const count = a.count + b.count;
  if (count === 0) return NONE;
  const delta = b.mean - a.mean;
  return {
    count,
    mean: a.mean + (delta * b.count) / count,
    m2: a.m2 + b.m2 + (delta ** 2 * a.count * b.count) / count,
  };
}

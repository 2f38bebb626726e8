import { CONFIDENCE_EDGES, FixedBins, LogHistogram, Moments } from '@flotilla/model';
import type { Draft, SelfTest, Window } from '@flotilla/protocol';
import { normal, type Random, wholeNear } from './chance.ts';
import type { FaultKind, FindFault } from './faults.ts';

/** What simulated inference is like where nothing is wrong. */
export interface Work {
  readonly inferencesPerSecond: number;
  /** Median time of an inference over the fleet, ms. */
  readonly latencyMs: number;
  readonly classes: number;
  /** Share of inferences whose true class becomes known. */
  readonly labeled: number;
}

/** What runs: faults hang on the version. */
export interface Version {
  readonly model: string;
  readonly version: number;
}

/** Spreads of the logarithm of the latency: of one device's inferences, and between devices. */
const SPREAD_WITHIN = 0.3;
const SPREAD_BETWEEN = 0.2;
const CONFIDENCE = 0.8;
const CONFIDENCE_SPREAD = 0.15;
const ACCURACY = 0.92;
const AGREEMENT = 0.97;
const MEMORY_BYTES = 120e6;

/** How fast a device is beside the others. */
export const speedOf = (random: Random): number => Math.exp(SPREAD_BETWEEN * normal(random));

const factor = (faults: FindFault, kind: FaultKind, { model, version }: Version): number =>
  faults(kind, model, version)?.amount ?? 1;
const drop = (faults: FindFault, kind: FaultKind, { model, version }: Version): number =>
  faults(kind, model, version)?.amount ?? 0;

/** What a device finds before it activates a version. */
export function selfTestOf(
  work: Work,
  speed: number,
  faults: FindFault,
  runs: Version,
  passed: boolean,
): SelfTest {
  const latencyMs = work.latencyMs * speed * factor(faults, 'slow', runs);
  return {
    passed,
    maxAbsError: passed ? 0.002 : 0.31,
    toleranceUsed: passed ? 0.2 : 31,
    latencyMs,
    latencyP95Ms: latencyMs * Math.exp(1.64 * SPREAD_WITHIN),
    samples: 8,
    runtime: 'onnxruntime',
    provider: 'cpu',
    fallbacks: [],
    rssBytes: Math.round(MEMORY_BYTES * factor(faults, 'heavy', runs)),
  };
}

/** What a device sends of a time in which it ran one version; undefined where nothing happened. */
export function measure(
  work: Work,
  speed: number,
  faults: FindFault,
  runs: Version,
  ms: number,
  random: Random,
): Draft<Window> | undefined {
  const inferences = wholeNear((work.inferencesPerSecond * ms) / 1000, random);
  if (inferences === 0) return undefined;
  const medianUs = 1000 * work.latencyMs * speed * factor(faults, 'slow', runs);
  const mean = CONFIDENCE - drop(faults, 'unsure', runs);
  const errorRate = drop(faults, 'errors', runs);
  const latency = new LogHistogram();
  const sure = new Moments();
  const sureBins = new FixedBins(CONFIDENCE_EDGES);
  const classCounts = new Array<number>(work.classes).fill(0);
  let errors = 0;
  for (let i = 0; i < inferences; i++) {
    if (errorRate > 0 && random() < errorRate) {
      errors++;
      continue;
    }
    latency.record(medianUs * Math.exp(SPREAD_WITHIN * normal(random)));
    const value = Math.min(0.999, Math.max(0.01, mean + CONFIDENCE_SPREAD * normal(random)));
    sure.record(value);
    sureBins.count(value);
    const index = Math.floor(random() * work.classes);
    classCounts[index] = (classCounts[index] ?? 0) + 1;
  }
  const labeled = wholeNear((inferences - errors) * work.labeled, random);
  return {
    inferences,
    errors,
    latencyUs: latency.toWire(),
    classCounts,
    confidence: sure.toWire(),
    confidenceBins: [...sureBins.counts],
    labeled,
    correct: successes(labeled, ACCURACY - drop(faults, 'wrong', runs), random),
    resources: {
      rssBytes: Math.round(MEMORY_BYTES * factor(faults, 'heavy', runs)),
      cpuMs: Math.round((inferences * medianUs) / 1000),
      temperatureC: 52,
      throttled: false,
      bytesWritten: 0,
    },
  };
}

/** How a shadow did beside the active version, on the inferences of its window. */
export function compare(
  shadow: Draft<Window>,
  faults: FindFault,
  runs: Version,
  active: Version & { readonly digest: string },
  random: Random,
): Draft<Window> {
  const compared = (shadow.inferences ?? 0) - (shadow.errors ?? 0);
  const oneClass = (shadow.classCounts?.length ?? 0) < 2;
  const agreed = oneClass
    ? compared
    : successes(compared, AGREEMENT - drop(faults, 'wrong', runs), random);
  const ratio = new Moments();
  const change = new Moments();
  const slower = Math.log(factor(faults, 'slow', runs) / factor(faults, 'slow', active));
  for (let i = 0; i < compared; i++) {
    ratio.record(slower + 0.1 * normal(random));
    change.record(0.05 * normal(random) - drop(faults, 'unsure', runs));
  }
  return {
    ...shadow,
    comparison: {
      compared,
      agreed,
      disagreements: disagreements(compared - agreed, shadow.classCounts?.length ?? 0, random),
      logLatencyRatio: ratio.toWire(),
      confidenceChange: change.toWire(),
      skipped: 0,
      activeDigest: active.digest,
    },
  };
}

/** Classes that the two name apart: mostly neighbors, as classes that look alike would be. */
function disagreements(count: number, classes: number, random: Random) {
  const counts = new Map<number, number>();
  for (let i = 0; i < count; i++) {
    const active = Math.floor(random() * classes);
    const shadow = (active + 1 + Math.floor(random() ** 3 * (classes - 1))) % classes;
    const key = active * classes + shadow;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return [...counts].map(([key, times]) => ({
    active: Math.floor(key / classes),
    shadow: key % classes,
    count: times,
  }));
}

function successes(tries: number, chance: number, random: Random): number {
  let sum = 0;
  for (let i = 0; i < tries; i++) if (random() < chance) sum++;
  return sum;
}

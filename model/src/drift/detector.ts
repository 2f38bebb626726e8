import type { FeatureBins, FeatureVerdict } from '@flotilla/protocol';
import { FixedBins } from '../sketches/fixed-bins.ts';
import { Moments } from '../sketches/moments.ts';
import { psi, shares } from './distances.ts';
import type { ReferenceFeature, ReferenceProfile } from './profile.ts';
import { psiThreshold } from './tests.ts';

export interface DriftDetectorOptions {
  /** Chance that any feature of a tested window exceeds its threshold without drift; 0.001. */
  readonly alpha?: number;
  /** PSI below this is never drift, however certain it is; 0.1. */
  readonly minEffect?: number;
  /** A window with fewer values is tested together with the next; 50. */
  readonly minSamples?: number;
}

/** Of the last tested windows, how many must exceed the threshold. */
const NEEDED = 2;
const OF_LAST = 3;
/** Values that a bin should expect, or bins are joined: χ² describes PSI badly below. */
const EXPECTED_PER_BIN = 5;

/** What a window held, as telemetry carries it, and what the device makes of it. */
export interface DriftWindow {
  readonly features: FeatureBins[];
  /** Empty where too few values came to test. */
  readonly verdicts: FeatureVerdict[];
}

export interface DriftDetector {
  /** Takes the features of one inference; names that the profile lacks are left out. */
  observe(features: Readonly<Record<string, number>>): void;
  /** Ends the window and begins the next. */
  closeWindow(): DriftWindow;
}

/**
 * Compares windows of input features with the reference profile, on the device. A feature drifts
 * when its PSI was above its threshold in 2 of the last 3 tested windows. Thresholds fit the
 * number of values and are shared over the features (Bonferroni).
 */
export function createDriftDetector(
  profile: ReferenceProfile,
  options: DriftDetectorOptions = {},
): DriftDetector {
  const { alpha = 0.001, minEffect = 0.1, minSamples = 50 } = options;
  const perFeature = alpha / Math.max(1, profile.features.length);
  const watches = profile.features.map((feature) =>
    createWatch(feature, perFeature, minEffect, minSamples),
  );
  return {
    observe(features) {
      for (const watch of watches) {
        const value = features[watch.name];
        if (value !== undefined && Number.isFinite(value)) watch.observe(value);
      }
    },
    closeWindow() {
      const windows = watches.map((watch) => watch.close());
      return {
        features: windows.map((window) => window.bins),
        verdicts: windows.flatMap((window) => window.verdict ?? []),
      };
    },
  };
}

function createWatch(
  reference: ReferenceFeature,
  alpha: number,
  minEffect: number,
  minSamples: number,
) {
  const { name, edges } = reference;
  const exceeded: boolean[] = [];
  let window = new FixedBins(edges);
  let moments = new Moments();
  let untested = new FixedBins(edges);
  const judge = (): FeatureVerdict | undefined => {
    untested.merge(window);
    if (untested.total < minSamples) return undefined;
    const { statistic, threshold } = testFeature(reference, untested.counts, alpha, minEffect);
    untested = new FixedBins(edges);
    exceeded.push(statistic > threshold);
    if (exceeded.length > OF_LAST) exceeded.shift();
    const drifted = exceeded.filter(Boolean).length >= NEEDED;
    return { name, statistic, threshold, drifted };
  };
  return {
    name,
    observe(value: number) {
      window.count(value);
      moments.record(value);
    },
    close() {
      const bins: FeatureBins = { name, counts: [...window.counts], moments: moments.toWire() };
      const verdict = judge();
      window = new FixedBins(edges);
      moments = new Moments();
      return { bins, verdict };
    },
  };
}

/** PSI of counts against a reference feature, and the threshold for so many values. */
export function testFeature(
  reference: Pick<ReferenceFeature, 'counts'>,
  counts: readonly number[],
  alpha: number,
  minEffect = 0,
): { statistic: number; threshold: number } {
  const total = (row: readonly number[]) => row.reduce((sum, n) => sum + n, 0);
  const n = total(counts);
  const size = total(reference.counts);
  if (n === 0 || size === 0) return { statistic: 0, threshold: Number.POSITIVE_INFINITY };
  const bins = Math.max(2, Math.min(counts.length, Math.floor(n / EXPECTED_PER_BIN)));
  const p = join(reference.counts, bins);
  const q = join(counts, bins);
  const threshold = p.length < 2 ? 0 : psiThreshold(p.length, n, size, alpha);
  return {
    statistic: psi(shares(p), shares(q)),
    threshold: Math.max(minEffect, threshold),
  };
}

/** Adjacent bins joined into at most `bins`. */
function join(counts: readonly number[], bins: number): number[] {
  if (counts.length <= bins) return [...counts];
  const joined = new Array<number>(bins).fill(0);
  for (const [i, n] of counts.entries()) joined[Math.floor((i * bins) / counts.length)]! += n;
  return joined;
}

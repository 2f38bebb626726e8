import {
  psi,
  psiPValue,
  psiThreshold,
  type ReferenceFeature,
  type ReferenceProfile,
  shares,
} from '@flotilla/model';

/** How drift is told from chance. */
export interface DriftSettings {
  /** Expected share of false ones among the device alarms of one window. */
  readonly falseShare: number;
  /** Chance that any feature of the fleet is called drifted in a window without drift. */
  readonly fleetAlpha: number;
  /** PSI below this is never drift, however certain it is. */
  readonly minEffect: number;
  /** Values before a feature is tested; fewer are kept for the next window. */
  readonly minSamples: number;
  /** A feature has drifted when `needed` of its last `of` tests said so. */
  readonly needed: number;
  readonly of: number;
  /** Tests without drift in a row after which an alert closes. */
  readonly clean: number;
}

export const DEFAULT_DRIFT: DriftSettings = {
  falseShare: 0.05,
  fleetAlpha: 0.001,
  minEffect: 0.1,
  minSamples: 50,
  needed: 2,
  of: 3,
  clean: 3,
};

/** What is remembered of a feature between windows. */
export interface FeatureState {
  /** Newest last: 1 where a test said drift. */
  readonly recent: readonly (0 | 1)[];
  readonly clean: number;
  /** Counts by bin that wait for more. */
  readonly pending: readonly number[];
}

const FRESH: FeatureState = { recent: [], clean: 0, pending: [] };

/** Counts of one window by feature, of one device or of all together. */
export type Counts = ReadonlyMap<string, readonly number[]>;

/** A feature that had values enough. */
export interface FeatureTest {
  readonly feature: string;
  readonly statistic: number;
  /** Chance of such a PSI without drift. */
  readonly p: number;
  readonly observed: readonly number[];
  readonly samples: number;
}

/** What a window made of a feature. */
export interface FeatureVerdict extends FeatureTest {
  readonly exceeded: boolean;
  readonly drifted: boolean;
  /** Clean for long enough to close an alert. */
  readonly settled: boolean;
  /** A p-value at or below this one was called significant. */
  readonly level: number;
}

export interface ScopeState {
  readonly features: Readonly<Record<string, FeatureState>>;
}

export interface Judged {
  readonly features: Readonly<Record<string, FeatureState>>;
  readonly verdicts: readonly FeatureVerdict[];
}

/** A device's window with its tests made, before all of them are judged together. */
export interface TestedDevice {
  readonly device: string;
  readonly state: ScopeState;
  readonly tested: Tested;
}

export function testDevice(
  profile: ReferenceProfile,
  { device, state, counts }: { device: string; state: ScopeState; counts: Counts },
  { minSamples }: DriftSettings,
): TestedDevice {
  return { device, state, tested: testScope(profile, state, counts, minSamples) };
}

/**
 * The largest p-value that counts as drift among all tests of all devices (Benjamini and Hochberg
 * 1995), so that many devices do not make many false alarms: of 10,000 devices with 20 features,
 * p < 0.05 by itself would alarm on all but a few. Only p-values up to q can be rejected, so only
 * those are sorted.
 */
export function rejectionLevel(devices: readonly TestedDevice[], q: number): number {
  const ps = devices.flatMap(({ tested }) => tested.tests.map(({ p }) => p));
  const small = ps.filter((p) => p <= q).sort((a, b) => a - b);
  const share = q / Math.max(1, ps.length);
  const last = small.findLastIndex((p, rank) => p <= share * (rank + 1));
  return Math.max(share, small[last] ?? 0);
}

/** What a device's window means once all of them were tested. */
export function judgeDevice(
  profile: ReferenceProfile,
  { state, tested }: TestedDevice,
  level: number,
  settings: DriftSettings,
): Judged {
  return conclude(profile, state, { ...tested, level }, settings);
}

/** Judges the merged counts of all devices: finds a shift that is too small for each of them alone. */
export function judgeFleet(
  profile: ReferenceProfile,
  state: ScopeState,
  counts: Counts,
  settings: DriftSettings,
): Judged {
  const tested = testScope(profile, state, counts, settings.minSamples);
  const level = settings.fleetAlpha / Math.max(1, profile.features.length);
  return conclude(profile, state, { ...tested, level }, settings);
}

export interface Tested {
  readonly tests: readonly FeatureTest[];
  readonly pending: ReadonlyMap<string, readonly number[]>;
}

function testScope(
  profile: ReferenceProfile,
  { features }: ScopeState,
  counts: Counts,
  minSamples: number,
): Tested {
  const tests: FeatureTest[] = [];
  const pending = new Map<string, readonly number[]>();
  for (const reference of profile.features) {
    const added = counts.get(reference.name);
    if (added?.length !== reference.counts.length) continue;
    const before = features[reference.name]?.pending ?? [];
    const observed = added.map((count, i) => count + (before[i] ?? 0));
    const samples = sum(observed);
    if (samples < minSamples) pending.set(reference.name, observed);
    else tests.push({ feature: reference.name, observed, samples, ...test(reference, observed) });
  }
  return { tests, pending };
}

/** Values that a bin should hold, or neighbors are joined: χ² describes PSI badly below. */
const PER_BIN = 5;

function test(reference: ReferenceFeature, observed: readonly number[]) {
  const { p, q, n, size } = joined(reference, observed);
  if (p.length < 2 || size === 0) return { statistic: 0, p: 1 };
  const statistic = psi(shares(p), shares(q));
  return { statistic, p: psiPValue(statistic, p.length, n, size) };
}

function joined(reference: ReferenceFeature, observed: readonly number[]) {
  const n = sum(observed);
  const size = sum(reference.counts);
  const bins = Math.max(2, Math.min(observed.length, Math.floor(n / PER_BIN)));
  return { p: join(reference.counts, bins), q: join(observed, bins), n, size };
}

function join(counts: readonly number[], bins: number): number[] {
  if (counts.length <= bins) return [...counts];
  const rows = new Array<number>(bins).fill(0);
  counts.forEach((count, i) => {
    const row = Math.floor((i * bins) / counts.length);
    rows[row] = (rows[row] ?? 0) + count;
  });
  return rows;
}

function conclude(
  profile: ReferenceProfile,
  state: ScopeState,
  { tests, pending, level }: Tested & { readonly level: number },
  settings: DriftSettings,
): Judged {
  const features: Record<string, FeatureState> = {};
  for (const { name } of profile.features) {
    const before = state.features[name] ?? FRESH;
    features[name] = { ...before, pending: pending.get(name) ?? before.pending };
  }
  const verdicts = tests.map((one) => {
    const { recent, clean } = features[one.feature] ?? FRESH;
    const exceeded = one.p <= level && one.statistic >= settings.minEffect;
    const now: FeatureState = {
      recent: [...recent, exceeded ? (1 as const) : (0 as const)].slice(-settings.of),
      clean: exceeded ? 0 : clean + 1,
      pending: [],
    };
    features[one.feature] = now;
    const drifted = sum(now.recent) >= settings.needed;
    return { ...one, level, exceeded, drifted, settled: now.clean >= settings.clean };
  });
  return { features, verdicts };
}

/** The smallest PSI that would have been called drift in this test. */
export function thresholdOf(
  reference: ReferenceFeature,
  { observed, level }: Pick<FeatureVerdict, 'observed' | 'level'>,
  { minEffect }: DriftSettings,
): number {
  const { p, n, size } = joined(reference, observed);
  if (p.length < 2 || size === 0) return minEffect;
  return Math.max(minEffect, psiThreshold(p.length, n, size, level));
}

const sum = (counts: readonly number[]): number =>
  counts.reduce((total, count) => total + count, 0);

import { GOOD, ONE_VARIANT, type Variants, type Version } from './device.ts';
import { type Course, simulateRollout } from './rollout.ts';

/** Runs a version so many times, each with a seed of its own. */
export interface Series {
  readonly runs: number;
  readonly version: Version | ((variant: string) => Version);
  readonly variants?: Variants;
  readonly devices?: number;
  readonly soakMs?: number;
  readonly firstSeed?: number;
}

const MINUTE = 60_000;

export function runSeries({
  runs,
  version,
  variants = ONE_VARIANT,
  devices = 1000,
  soakMs = 2 * MINUTE,
  firstSeed = 1,
}: Series): Course[] {
  const versionOf = typeof version === 'function' ? version : () => version;
  return Array.from({ length: runs }, (_, i) =>
    simulateRollout({ seed: firstSeed + i, devices, versionOf, variants, soakMs }),
  );
}

/** Every device is changed by a new version in its own way, as much as devices differ anyway. */
export const INTERACTION = { latency: 0.28, confidence: 0.05 };

/** Good versions: what devices differ by is the same with both, or differs with the version too. */
export const GOOD_VERSIONS: readonly Version[] = [GOOD, { ...GOOD, interaction: INTERACTION }];

export const FAILING: Version = { ...GOOD, failing: 0.3 };
/** On all devices alike, and on each in its own way. */
export const SLOWER: Version = { ...GOOD, slower: 1.3 };
export const LESS_SURE: Version = { ...GOOD, lessSure: 0.1 };
export const inItsOwnWay = (version: Version): Version => ({
  ...version,
  interaction: INTERACTION,
});

/** Share of rollouts of good versions that were stopped; each kind has half of the runs. */
export function falseStopShare(
  runs: number,
  firstSeed = 1,
  variants = ONE_VARIANT as Variants,
): number {
  const each = Math.ceil(runs / GOOD_VERSIONS.length);
  const courses = GOOD_VERSIONS.flatMap((version, i) =>
    runSeries({ runs: each, version, variants, firstSeed: firstSeed + i * each }),
  );
  return courses.filter(({ state }) => state !== 'done').length / courses.length;
}

export interface Halts {
  /** From the first report that a device could not keep the version; ∞ where it was never halted. */
  readonly secondsP95: number;
  readonly mostWaves: number;
  /** Largest share of the devices that were asked. */
  readonly touchedShare: number;
  readonly allUndone: boolean;
}

/** How fast a version that fails on three devices of ten is halted. */
export function measureHalts(runs: number, devices = 1000, firstSeed = 1): Halts {
  const courses = runSeries({ runs, version: FAILING, devices, firstSeed });
  const seconds = courses
    .map(({ haltedMs, firstBadMs }) =>
      haltedMs < 0 ? Number.POSITIVE_INFINITY : (haltedMs - firstBadMs) / 1000,
    )
    .sort((a, b) => a - b);
  return {
    secondsP95: seconds[Math.ceil(0.95 * seconds.length) - 1] ?? Number.POSITIVE_INFINITY,
    mostWaves: Math.max(...courses.map(({ waves }) => waves)),
    touchedShare: Math.max(...courses.map(({ touched }) => touched)) / devices,
    allUndone: courses.every(({ undone }) => undone),
  };
}

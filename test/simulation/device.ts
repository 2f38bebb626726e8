import type { Side } from '../../fleet-server/src/rollouts/gates/types.ts';
import type { Draws } from './draws.ts';

/** How the new version differs from the previous one; an equally good one differs by chance only. */
export interface Version {
  /** Share of the devices that cannot keep it. */
  readonly failing: number;
  /** Factor on the run time. */
  readonly slower: number;
  /** Taken from the mean top-1 probability. */
  readonly lessSure: number;
  /**
   * What it changes on some devices and not on others, as standard deviations over devices: of the
   * logarithm of the run time, and of the mean top-1 probability. 0: what devices differ by is the
   * same with both versions.
   */
  readonly interaction: { readonly latency: number; readonly confidence: number };
}

/** Variants of the version, with the share of the devices that each suits. */
export const ONE_VARIANT = { 'x86-64 int8': 1 };
export const THREE_VARIANTS = {
  'x86-64 int8': 0.7,
  'raspberry-pi-5 int8': 0.27,
  'jetson-orin fp16': 0.03,
};
export type Variants = Readonly<Record<string, number>>;

export const GOOD: Version = {
  failing: 0.01,
  slower: 1,
  lessSure: 0,
  interaction: { latency: 0, confidence: 0 },
};

/** Between devices and within one; of run times the logarithm. */
const LATENCY = { mean: Math.log(30), between: 0.2, within: 0.3 };
const CONFIDENCE = { mean: 0.85, between: 0.05, within: 0.15 };
const ERRORS = 0.002;
const CLASSES = [0.4, 0.3, 0.2, 0.1];
const LABELED = 0.05;
const RIGHT = 0.92;
const MIB = 2 ** 20;

export const WINDOW_MS = 10_000;
/** Two a second. */
const PER_WINDOW = 20;
/** Inferences of the previous version within the look-back. */
const BEFORE = 5000;

/** What a device is, apart from what happens to it. */
export interface DeviceModel {
  readonly variant: string;
  /** What it came to with the previous version. */
  readonly baseline: Side;
  readonly fails: boolean;
  /** Its self-test comes close to the tolerance. */
  readonly deviates: boolean;
  /** A window with the new version. */
  window(): Side;
}

export function createDevice(
  draws: Draws,
  versionOf: (variant: string) => Version,
  variants: Variants,
): DeviceModel {
  const variant = pick(draws, variants);
  const version = versionOf(variant);
  const place = {
    latency: draws.normal(LATENCY.mean, LATENCY.between),
    confidence: draws.normal(CONFIDENCE.mean, CONFIDENCE.between),
    rss: draws.normal(Math.log(300 * MIB), 0.1),
    mix: mixOf(draws),
  };
  const { interaction, slower, lessSure } = version;
  const changed = {
    ...place,
    latency: place.latency + Math.log(slower) + draws.normal(0, interaction.latency),
    confidence: place.confidence - lessSure + draws.normal(0, interaction.confidence),
    rss: place.rss + draws.normal(0, 0.05),
  };
  return {
    variant,
    baseline: sideOf(draws, place, BEFORE),
    fails: draws.uniform() < version.failing,
    deviates: draws.uniform() < 0.01,
    window: () => sideOf(draws, changed, PER_WINDOW),
  };
}

function pick(draws: Draws, variants: Variants): string {
  const names = Object.keys(variants);
  let left = draws.uniform();
  for (const name of names) {
    left -= variants[name] ?? 0;
    if (left < 0) return name;
  }
  return names[0] ?? '';
}

/** Each device sees its own mix of things. */
function mixOf(draws: Draws): number[] {
  const weights = CLASSES.map((share) => share * Math.exp(draws.normal(0, 0.2)));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}

interface Place {
  readonly latency: number;
  readonly confidence: number;
  readonly rss: number;
  readonly mix: readonly number[];
}

function sideOf(draws: Draws, place: Place, inferences: number): Side {
  const errors = draws.binomial(inferences, ERRORS);
  const answered = inferences - errors;
  const labeled = draws.binomial(answered, LABELED);
  return {
    inferences,
    errors,
    logLatency: draws.spread(answered, place.latency, LATENCY.within),
    confidence: draws.spread(answered, place.confidence, CONFIDENCE.within),
    classCounts: draws.multinomial(answered, place.mix),
    rssBytes: Math.exp(place.rss + Math.abs(draws.normal(0, 0.02))),
    labeled,
    correct: draws.binomial(labeled, RIGHT),
  };
}

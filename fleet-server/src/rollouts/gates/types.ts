/** Every gate, by the name that its row in the registry has. */
export const GATE_NAMES = ['activations', 'errors', 'confidence', 'class-mix'] as const;
export type GateName = (typeof GATE_NAMES)[number];

/**
 * `waiting`: too little evidence to judge. `not-applicable`: there is nothing to compare with.
 * Only `closed` stops a rollout; only `waiting` holds up a wave.
 */
export const VERDICT_STATES = ['open', 'closed', 'waiting', 'not-applicable'] as const;
export type VerdictState = (typeof VERDICT_STATES)[number];

export interface Verdict {
  readonly gate: GateName;
  readonly state: VerdictState;
  /** One line for a person, with the numbers in it. */
  readonly sentence: string;
  readonly numbers: Readonly<Record<string, number>>;
}

/** What a device's inferences with one deployment came to. */
export interface Side {
  /** Failed ones included. */
  readonly inferences: number;
  readonly errors: number;
  /** Top-1 probability: count, mean, sum of squared deviations. */
  readonly confidence: { readonly count: number; readonly mean: number; readonly m2: number };
  /** Predictions by class index. */
  readonly classCounts: readonly number[];
}

/** The new version against the previous one on the same device. */
export interface DevicePair {
  readonly device: string;
  /** Target and precision of the new version there, as `jetson-orin fp16`. */
  readonly variant: string;
  readonly candidate: Side;
  readonly baseline: Side;
}

/** How the activations of a rollout went so far. */
export interface ActivationCounts {
  /** Devices that were asked to take the version. */
  readonly ordered: number;
  /** Devices that took it up and could not keep it. */
  readonly failed: number;
  /** The most frequent reason, empty where none failed. */
  readonly commonCode: string;
}

export interface Evidence {
  readonly activations: ActivationCounts;
  /** One for each device that ran a previous version before it took the new one. */
  readonly pairs: readonly DevicePair[];
}

export interface GateSettings {
  /** Share of the devices asked that may fail to activate. */
  readonly maxFailedShare: number;
  /** Rise in the share of inferences that end in an error. */
  readonly maxErrorRise: number;
  /** Fall of the mean top-1 probability. */
  readonly maxConfidenceDrop: number;
  /** Total variation distance between the class mixes, 0 to 1. */
  readonly maxClassDistance: number;
  /** Inferences of each version, device by device the smaller of the two, before a gate judges. */
  readonly minInferences: number;
  /** Chance of closing any one gate by accident over the whole rollout. */
  readonly alpha: number;
  /** How far back the previous version's windows count as its baseline. */
  readonly lookBackMs: number;
  /** Gates that are not judged. */
  readonly disabled: readonly GateName[];
}

export const DEFAULT_GATES: GateSettings = {
  maxFailedShare: 0.1,
  maxErrorRise: 0.05,
  maxConfidenceDrop: 0.05,
  maxClassDistance: 0.2,
  minInferences: 50,
  alpha: 0.001,
  lookBackMs: 24 * 3_600_000,
  disabled: [],
};

/** A row of the registry: pure, from evidence to a verdict. */
export interface Gate {
  readonly title: string;
  judge(evidence: Evidence, settings: GateSettings): Omit<Verdict, 'gate'>;
}

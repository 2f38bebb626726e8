/** Every gate, by the name that its row in the registry has. */
export const GATE_NAMES = [
  'activations',
  'crashes',
  'self-test',
  'errors',
  'latency',
  'memory',
  'confidence',
  'class-mix',
  'drift',
  'accuracy',
  'disagreement',
] as const;
export type GateName = (typeof GATE_NAMES)[number];

/**
 * `waiting`: too little evidence to judge, or evidence that points beyond the limit without being
 * conclusive. `not-applicable`: there is nothing to compare with. Only `closed` stops a rollout;
 * only `waiting` holds up a wave.
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

/**
 * The evidence points beyond the limit without being conclusive. Time makes it no better: beyond the
 * longest soak, a person decides.
 */
export const isSuspicious = ({ state, numbers }: Pick<Verdict, 'state' | 'numbers'>): boolean =>
  state === 'waiting' && 'odds' in numbers;

/**
 * Suspicious evidence that waits for a person.
 *
 * @param accepted gates whose evidence was suspicious when the next wave was approved
 */
export const undecided = <V extends Pick<Verdict, 'gate' | 'state' | 'numbers'>>(
  verdicts: readonly V[],
  accepted: readonly GateName[],
): V[] => verdicts.filter((one) => isSuspicious(one) && !accepted.includes(one.gate));

/** Count, mean and sum of squared deviations. */
export interface Spread {
  readonly count: number;
  readonly mean: number;
  readonly m2: number;
}

/** What a device's inferences with one deployment came to. */
export interface Side {
  /** Failed ones included. */
  readonly inferences: number;
  readonly errors: number;
  /** Natural logarithm of the run time in milliseconds, with `LATENCY_SLACK_MS` added to it. */
  readonly logLatency: Spread;
  /** Top-1 probability. */
  readonly confidence: Spread;
  /** Predictions by class index. */
  readonly classCounts: readonly number[];
  /** Largest memory of the agent's process; 0 where it was not measured. */
  readonly rssBytes: number;
  /** Inferences whose true class became known. */
  readonly labeled: number;
  readonly correct: number;
}

/** A shadow and the active model on the same inputs. */
export interface ShadowComparison {
  readonly compared: number;
  readonly agreed: number;
  /** Natural logarithm of the shadow's run time over the active model's. */
  readonly logLatencyRatio: Spread;
  /** Top-1 probability, shadow less active. */
  readonly confidenceChange: Spread;
}

/** The new version against the previous one on the same device. */
export interface DevicePair {
  readonly device: string;
  /** Target and precision of the new version there, as `jetson-orin fp16`. */
  readonly variant: string;
  readonly candidate: Side;
  readonly baseline: Side;
  /** Of a shadow. */
  readonly comparison?: ShadowComparison;
}

/** Of the devices of one variant that were asked to take the version, how many are bad, and why. */
export interface Tally {
  readonly variant: string;
  readonly asked: number;
  readonly bad: number;
  /** The most frequent reason; empty where none is bad or there is only one. */
  readonly reason: string;
}

/** What devices are counted by. */
export type TallyName = 'activations' | 'crashes' | 'self-test' | 'drift';

export interface Evidence {
  /** Devices that take part in the whole rollout, asked already or not. */
  readonly membership: number;
  /** Variants among them. */
  readonly variants: readonly string[];
  readonly tallies: Readonly<Record<TallyName, readonly Tally[]>>;
  /** The version runs beside the one that serves. */
  readonly shadow: boolean;
  /** One for each device that ran a previous version before it took the new one. */
  readonly pairs: readonly DevicePair[];
}

export interface GateSettings {
  /** Share of the devices that may fail to activate. */
  readonly maxFailedShare: number;
  /** Share of the devices that may start uncleanly again and again. */
  readonly maxCrashingShare: number;
  /** Share of the devices whose self-test may come close to its tolerance. */
  readonly maxDeviatingShare: number;
  /** Rise in the share of inferences that end in an error. */
  readonly maxErrorRise: number;
  /** Rise of the run time, as a share of it. */
  readonly maxLatencyRise: number;
  /** Rise of the agent's memory, as a share of it. */
  readonly maxMemoryRise: number;
  /** Fall of the mean top-1 probability. */
  readonly maxConfidenceDrop: number;
  /** Change in the share of predictions that a class, or the commonest classes together, have. */
  readonly maxClassDistance: number;
  /** Share of the devices that may call their inputs drifted with this version only. */
  readonly maxDriftingShare: number;
  /** Fall of the share of labeled inferences that are right. */
  readonly maxAccuracyDrop: number;
  /** Share of the inferences for which a shadow may name another class. */
  readonly maxDisagreement: number;
  /** Inferences of each version, device by device the smaller of the two, before a gate judges. */
  readonly minInferences: number;
  /** Chance that any gate closes on a version without faults, over the whole rollout. */
  readonly alpha: number;
  /** How far back the previous version's windows count as its baseline. */
  readonly lookBackMs: number;
  /** Gates that are not judged. */
  readonly disabled: readonly GateName[];
}

export const DEFAULT_GATES: GateSettings = {
  maxFailedShare: 0.05,
  maxCrashingShare: 0.05,
  maxDeviatingShare: 0.1,
  maxErrorRise: 0.05,
  maxLatencyRise: 0.1,
  maxMemoryRise: 0.25,
  maxConfidenceDrop: 0.05,
  maxClassDistance: 0.2,
  maxDriftingShare: 0.1,
  maxAccuracyDrop: 0.03,
  maxDisagreement: 0.1,
  minInferences: 50,
  alpha: 0.005,
  lookBackMs: 24 * 3_600_000,
  disabled: [],
};

/** What a gate makes of the evidence; `closed` and `waiting` follow from it. */
export interface Finding {
  /** Natural logarithm of the e-value against "within the limit". */
  readonly log: number;
  /** Beyond doubt without a test: the share of the whole membership is exceeded already. */
  readonly certain?: boolean;
  /** What was seen, as far as "(": "p50 rose from 20 ms to 26 ms (1.30 ×) on 12 devices". */
  readonly seen: string;
  /** What is tolerated: "at most 1.10 × tolerated". */
  readonly limit: string;
  readonly numbers: Readonly<Record<string, number>>;
}

/** Why nothing can be found out, yet or at all. */
export interface Nothing {
  readonly state: 'waiting' | 'not-applicable' | 'open';
  readonly sentence: string;
  readonly numbers: Readonly<Record<string, number>>;
}

/** A row of the registry: pure, from evidence to what it says. */
export interface Gate {
  readonly title: string;
  /** How much of the error rate it has, as against other gates; 1 where it says nothing. */
  readonly weight?: number;
  find(evidence: Evidence, settings: GateSettings): Finding | Nothing;
}

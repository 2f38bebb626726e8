import type { PairedQuality } from '@flotilla/model';
import type { Digest, Precision } from '@flotilla/protocol';
import type { TargetId } from '@flotilla/targets';
import type { PassReport } from './passes/index.ts';
import type { Scheme } from './quantize/scheme.ts';
import type { MeasuredOn } from './verify/latency.ts';
import type { NodeSqnr } from './verify/sqnr.ts';

/** What a conversion did and found: the JSON report. */
export interface ConvertResult {
  readonly model: string;
  readonly version: number;
  readonly source: {
    readonly file: string;
    readonly digest: Digest;
    readonly bytes: number;
    readonly opset: number;
  };
  /** Samples of each kind; no sample is of two kinds. */
  readonly data: {
    readonly calibration: number;
    /** Those that settings were chosen by. */
    readonly choice: number;
    readonly evaluation: number;
    /** True where the calibration samples were made up from the model itself. */
    readonly synthetic: boolean;
  };
  /** The fp32 model as it came and after the passes. */
  readonly graph: {
    readonly before: GraphSize;
    readonly after: GraphSize;
    readonly passes: readonly PassReport[];
  };
  /** What was tried for each target, in the order of the request. */
  readonly searches: readonly TargetSearch[];
  readonly variants: readonly VariantReport[];
  /** What concerns all variants. */
  readonly warnings: readonly string[];
  /** What the passes did that a person may want to know. */
  readonly notes: readonly string[];
}

export interface GraphSize {
  readonly nodes: number;
  /** Elements of all constants. */
  readonly parameters: number;
  /** Of the file. */
  readonly bytes: number;
  /** Nodes by operator, names in order. */
  readonly ops: Readonly<Record<string, number>>;
}

/** The search for one target's variants. */
export interface TargetSearch {
  readonly target: TargetId;
  readonly candidates: readonly Candidate[];
  /** What int8 in one node alone does to the output, worst first; empty where nothing was measured. */
  readonly sensitivity: readonly NodeSensitivity[];
  /** One sentence for people: what was chosen, and why. */
  readonly verdict: string;
}

/** One scheme that was tried, judged on the choice samples. */
export interface Candidate {
  /** Unique within the search and readable: `int8 percentile, equalized, 3 nodes in float`. */
  readonly name: string;
  readonly scheme: Scheme;
  readonly quality: PairedQuality;
  /**
   * How far the outputs are from fp32's, ≥ 0: mean KL divergence in nats of a classifier, else noise
   * over signal in the worst part of the outputs. Candidates are compared by it.
   */
  readonly divergence: number;
  /** Signal to noise of the outputs, dB from −150 to 150. */
  readonly db: number;
  readonly withinBudget: boolean;
  readonly latencyMs: Latency;
  readonly bytes: number;
  /** No other candidate is better in one of accuracy, latency and size, and as good in the others. */
  readonly onFront: boolean;
  readonly chosen: boolean;
}

export interface NodeSensitivity {
  readonly node: string;
  readonly op: string;
  /** Mean KL divergence of the outputs from fp32 with this node alone in int8, nats; ≥ 0. */
  readonly kl: number;
  /** Signal to noise of the outputs, dB from −150 to 150. */
  readonly db: number;
}

export interface VariantReport {
  readonly target: TargetId;
  readonly precision: Precision;
  /** The bundle; null where it was not written, see `warnings`. */
  readonly file: string | null;
  /** Of the bundle's manifest. */
  readonly digest: Digest | null;
  /** Of the model in the variant. */
  readonly bytes: number;
  readonly opset: number;
  readonly memoryBytes: number;
  /** The scheme's JSON for `--recipe`; null where no bundle was written. */
  readonly recipeFile: string | null;
  readonly scheme: Scheme;
  readonly graph: GraphSize;
  /** On the evaluation samples, which nothing was chosen by. */
  readonly accuracy: Accuracy;
  readonly latencyMs: Latency;
  /** On this machine, where `latencyMs` is an estimate or was imported. */
  readonly hostLatencyMs?: Latency;
  /** Noisiest nodes first. */
  readonly sqnr: readonly NodeSqnr[];
  /** Of the quantized activations, in graph order. */
  readonly ranges: readonly ActivationRange[];
  /** Nodes that stayed in fp32 although they have weights, with the reason. */
  readonly skipped: readonly { readonly node: string; readonly reason: string }[];
  readonly warnings: readonly string[];
}

export interface ActivationRange {
  readonly value: string;
  /** All that calibration saw. */
  readonly seen: { readonly min: number; readonly max: number };
  /** What the integers reach. */
  readonly min: number;
  readonly max: number;
  readonly scale: number;
  readonly zeroPoint: number;
  readonly type: 'uint8' | 'int8';
}

export interface Accuracy extends PairedQuality {
  readonly passed: boolean;
  /** One sentence: by what it passed or failed. */
  readonly judged: string;
  readonly slices: readonly SliceAccuracy[];
}

/** The same comparison on the samples whose column `slice` has `value`. */
export interface SliceAccuracy extends PairedQuality {
  readonly slice: string;
  readonly value: string;
}

/** Milliseconds of one run on one thread. */
export interface Latency {
  readonly fp32: number;
  readonly variant: number;
  readonly measuredOn: MeasuredOn;
  /** True where the figures come from the target's cost table. */
  readonly estimated?: boolean;
}

import type { PairedQuality } from '@flotilla/model';
import type { Digest, Precision } from '@flotilla/protocol';
import type { KeyPair } from '@flotilla/protocol/node';
import type { TargetId } from '@flotilla/targets';
import type { CalibrationMethod } from './calibrate/calibrate.ts';
import type { MeasuredOn } from './verify/latency.ts';
import type { NodeSqnr } from './verify/sqnr.ts';

/** What to convert, for what, judged by what. Plain JSON, so that a child process can be asked. */
export interface ConvertRequest {
  readonly modelFile: string;
  /** Default: the YAML file beside the model. */
  readonly specFile?: string;
  /** Version of the model, from 1. */
  readonly version: number;
  readonly targets: readonly TargetId[];
  /** `auto`: what the target prefers, as far as it passes. */
  readonly precisions: readonly Precision[] | 'auto';
  /** Folder or array file. The same for both: divided by a seeded draw. */
  readonly calibration?: string;
  readonly evaluation?: string;
  /** Folder that the bundles are written to; it is made where it is missing. */
  readonly out: string;
  /** Largest net loss of accuracy, a fraction; default: that of the spec. */
  readonly maxDrop?: number;
  /** Security epoch; default 0. */
  readonly epoch?: number;
  /** Default: a key that nobody keeps, for whoever signs again. */
  readonly signing?: Signing;
  /** Most samples of each kind; default 200 and 1000. */
  readonly maxCalibration?: number;
  readonly maxEvaluation?: number;
  /** Runs of each model whose median is its latency; default 30. */
  readonly latencyRuns?: number;
  readonly method?: CalibrationMethod;
  /** Of the draws; default 1. */
  readonly seed?: number;
}

/** Who signs the bundles' metadata. */
export interface Signing {
  readonly keyPair: KeyPair;
  readonly fleet: string;
}

export interface Progress {
  readonly step: 'read' | 'calibrate' | 'quantize' | 'verify' | 'bundle';
  readonly target?: TargetId;
  readonly precision?: Precision;
  readonly done: number;
  readonly total: number;
}

export type OnProgress = (progress: Progress) => void;

export interface ConvertResult {
  readonly model: string;
  readonly version: number;
  readonly source: {
    readonly file: string;
    readonly digest: Digest;
    readonly bytes: number;
    readonly opset: number;
  };
  readonly data: { readonly calibration: number; readonly evaluation: number };
  readonly variants: readonly VariantReport[];
  /** What concerns all variants. */
  readonly warnings: readonly string[];
  /** What the passes did that a person may want to know. */
  readonly notes: readonly string[];
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
  readonly accuracy: Accuracy;
  readonly latencyMs: Latency;
  /** On this machine, where `latencyMs` is an estimate. */
  readonly hostLatencyMs?: Latency;
  /** Noisiest nodes first. */
  readonly sqnr: readonly NodeSqnr[];
  /** Nodes that stayed in fp32 although they have weights, with the reason. */
  readonly skipped: readonly { readonly node: string; readonly reason: string }[];
  readonly warnings: readonly string[];
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

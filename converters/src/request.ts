import type { Precision } from '@flotilla/protocol';
import type { KeyPair } from '@flotilla/protocol/node';
import type { TargetId } from '@flotilla/targets';
import type { CalibrationMethod } from './calibrate/methods.ts';
import type { Int4Scheme, StaticScheme } from './quantize/scheme.ts';

/** What to convert, for what, judged by what. Plain JSON, so that a child process can be asked. */
export interface ConvertRequest extends GraphRequest {
  readonly modelFile: string;
  /** Default: the YAML file beside the model. */
  readonly specFile?: string;
  /** Version of the model, from 1. */
  readonly version: number;
  readonly targets: readonly TargetId[];
  /** `auto`: for each target, the fastest variant within the budget. A list: one variant of each. */
  readonly precisions: readonly Precision[] | 'auto';
  /**
   * Folder or array file, or `synthetic` for inputs made up from the model itself. It is divided
   * into samples that calibrate and samples that settings are chosen by; the same path as
   * `evaluation` is divided in three. The draws are seeded and by name.
   */
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
  /** Most samples of each kind; default 200, 200 and 1000. */
  readonly maxCalibration?: number;
  readonly maxChoice?: number;
  readonly maxEvaluation?: number;
  /** Runs of each model whose median is its latency; default 30. */
  readonly latencyRuns?: number;
  /** Of the draws; default 1. */
  readonly seed?: number;
  /** Settings that are not searched for. */
  readonly scheme?: SchemeRequest;
  /** Makes the variant of this `recipe.json`, for the same target; nothing is searched. */
  readonly recipeFile?: string;
  /** Latencies measured on devices, as `flotilla bench --json` prints them. */
  readonly measurementsFile?: string;
  /** With `auto`, hand over a variant in floating point too, for devices that the other does not fit. */
  readonly ladder?: boolean;
}

/** What to make of the graph itself. */
export interface GraphRequest {
  /** Passes that run; `-name` leaves one out of all. */
  readonly passes?: readonly string[];
  /** Nodes and values that no pass may remove or rewrite. */
  readonly keep?: readonly string[];
  /** By input the whole shape, or by symbolic dimension its size. */
  readonly fixShape?: Readonly<Record<string, readonly number[] | number>>;
  /** Values between which the model is cut out. */
  readonly cut?: Cut;
}

export interface Cut {
  readonly inputs?: readonly string[];
  readonly outputs?: readonly string[];
}

/** Whatever is left out is chosen by search. */
export interface SchemeRequest {
  readonly method?: CalibrationMethod;
  readonly perChannel?: boolean;
  /** Of activations. */
  readonly symmetric?: boolean;
  readonly equalize?: boolean;
  readonly biasCorrection?: boolean;
  readonly rounding?: StaticScheme['rounding'];
  /** Names of nodes that stay in floating point, as they are after the passes. */
  readonly float?: readonly string[];
  /** Of int4. */
  readonly blockSize?: Int4Scheme['blockSize'];
}

/** Who signs the bundles' metadata. */
export interface Signing {
  readonly keyPair: KeyPair;
  readonly fleet: string;
}

export interface Progress {
  readonly step: 'read' | 'passes' | 'calibrate' | 'search' | 'quantize' | 'verify' | 'bundle';
  readonly target?: TargetId;
  readonly precision?: Precision;
  readonly done: number;
  readonly total: number;
}

export type OnProgress = (progress: Progress) => void;

import type { Tensors } from '../tensor.ts';

/** What a model says of one sample. */
export type Prediction =
  | ClassificationPrediction
  | DetectionPrediction
  | RegressionPrediction
  | AnomalyPrediction
  | EmbeddingPrediction
  | RawPrediction;

export interface ClassificationPrediction {
  readonly kind: 'classification';
  /** Of the class with the highest probability; the lower index where two are equal. */
  readonly index: number;
  readonly label: string;
  /** Probability of that class. */
  readonly confidence: number;
  /** The five most probable classes, or fewer where the model has fewer. */
  readonly top: readonly ClassScore[];
  /** Of every class, by index. */
  readonly probabilities: Float32Array;
}

export interface ClassScore {
  readonly index: number;
  readonly label: string;
  readonly probability: number;
}

export interface DetectionPrediction {
  readonly kind: 'detection';
  /** By falling confidence. */
  readonly detections: readonly Detection[];
  /** Number of classes, where labels or a tensor tell it; else one more than the highest index. */
  readonly classes: number;
  /** Of the image that boxes are pixels of; undefined where the model was fed something else. */
  readonly image: { readonly width: number; readonly height: number } | undefined;
}

export interface Detection {
  readonly index: number;
  readonly label: string;
  /** Probability, 0 to 1. */
  readonly confidence: number;
  readonly box: Box;
}

/** Corners, in pixels of the upright image that was given. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

export interface RegressionPrediction {
  readonly kind: 'regression';
  /** In their units. */
  readonly values: Float64Array;
  /** One for each value, where the spec gives them. */
  readonly names: readonly string[] | undefined;
  readonly units: readonly string[] | undefined;
}

export interface AnomalyPrediction {
  readonly kind: 'anomaly';
  readonly score: number;
  readonly threshold: number;
  readonly anomalous: boolean;
  /** The named features with the largest shares of a reconstruction's error, largest first. */
  readonly contributions: readonly Contribution[];
}

export interface Contribution {
  readonly name: string;
  /** 0 to 1. */
  readonly share: number;
}

export interface EmbeddingPrediction {
  readonly kind: 'embedding';
  readonly vector: Float32Array;
}

/** The outputs of a run (of the whole batch) as they are. */
export interface RawPrediction {
  readonly kind: 'raw';
  readonly tensors: Tensors;
}

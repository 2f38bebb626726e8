export type Labels = { readonly file: string } | { readonly names: readonly string[] };

export type Activation = 'softmax' | 'sigmoid' | 'none';

/** Order of a box's four numbers: corners (x or y first), corner and size, or center and size. */
export type BoxFormat = 'xyxy' | 'xywh' | 'cxcywh' | 'yxyx' | 'cycxhw';

export interface ClassificationOutput {
  /** Output tensor of shape [batch, classes] or [batch, classes, 1, 1]. */
  readonly tensor: string;
  readonly labels: Labels | undefined;
  readonly activation: Activation;
}

export interface DetectionOutput {
  readonly source: DetectionSource;
  readonly format: BoxFormat;
  /** True where boxes are fractions of the model's image, false where they are its pixels. */
  readonly normalized: boolean;
  /** Each box is a row or a column of the tensors. */
  readonly layout: 'rows' | 'columns';
  readonly activation: Activation;
  /** Index of the class that stands for nothing. */
  readonly background: number | undefined;
  readonly anchors: AnchorSpec | undefined;
  readonly labels: Labels | undefined;
  readonly nms: NmsSpec;
}

export type DetectionSource =
  | {
      readonly kind: 'single';
      readonly tensor: string;
      /** What follows the four numbers of a box. */
      readonly values: 'scores' | 'objectness' | 'scoreAndClass';
    }
  | {
      readonly kind: 'separate';
      readonly boxes: string;
      /** A score for each class, or one where `classes` is there. */
      readonly scores: string;
      /** Class indices. */
      readonly classes: string | undefined;
      /** How many boxes of a sample are valid. */
      readonly count: string | undefined;
    };

/** Boxes are offsets from anchors: center = anchor + d · v · size, size = size · exp(d · v). */
export interface AnchorSpec {
  readonly anchors:
    | { readonly kind: 'boxes'; readonly boxes: readonly (readonly number[])[] }
    /** Cells of grids of these strides over the model's image, row by row. */
    | { readonly kind: 'strides'; readonly strides: readonly number[] };
  readonly variance: readonly number[];
}

export interface NmsSpec {
  /** Overlap (intersection over union) above which the less certain box goes; 1 keeps all. */
  readonly iou: number;
  /** Least score. */
  readonly score: number;
  readonly maxDetections: number;
  readonly perClass: boolean;
}

/** value = tensor · std + mean. */
export interface RegressionOutput {
  readonly tensor: string;
  readonly names: readonly string[] | undefined;
  /** One for all, or one per value. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /** One for all, or one per value. */
  readonly unit: readonly string[] | undefined;
}

export interface AnomalyOutput {
  readonly source: AnomalySource;
  readonly threshold: number;
  readonly anomalousWhen: 'above' | 'below';
}

export type AnomalySource =
  | { readonly kind: 'score'; readonly tensor: string }
  | {
      readonly kind: 'reconstruction';
      readonly tensor: string;
      readonly input: string;
      readonly error: 'mse' | 'rmse' | 'mae';
    };

export interface EmbeddingOutput {
  readonly tensor: string;
  readonly normalize: 'none' | 'l2';
}

/** At least one is there; where both have labels, those of classification and detection are one list. */
export interface OutputsSpec {
  readonly classification: ClassificationOutput | undefined;
  readonly detection: DetectionOutput | undefined;
  readonly regression: RegressionOutput | undefined;
  readonly anomaly: AnomalyOutput | undefined;
  readonly embedding: EmbeddingOutput | undefined;
  /** True where the output tensors are handed on as they are. */
  readonly raw: boolean;
}

/** A model spec with every default filled in and every short form spelled out. */
export interface ModelSpec {
  readonly schema: 1;
  readonly name: string;
  readonly task: string | undefined;
  readonly description: string | undefined;
  /** By input tensor of the model. */
  readonly inputs: Readonly<Record<string, InputSpec>>;
  readonly outputs: OutputsSpec;
  readonly evaluation: EvaluationSpec;
}

export type InputSpec =
  | ImageInput
  | FeaturesInput
  | AudioInput
  | StateInput
  | ConstantInput
  | RawInput;

export type Kernel = 'nearest' | 'bilinear' | 'bicubic' | 'lanczos3';
export type ResizeMode = 'shortSide' | 'stretch' | 'letterbox';

/** Width and height in pixels. */
export type Size = readonly [width: number, height: number];

/** x = (pixel · scale − mean) / std, in the declared channel order; pixels are 0 to 255. */
export interface ImageInput {
  readonly kind: 'image';
  readonly color: 'rgb' | 'bgr' | 'gray';
  readonly resize: ResizeSpec | undefined;
  /** Center crop after resizing. */
  readonly crop: Size | undefined;
  /** One per channel: 3, or 1 for gray. */
  readonly scale: readonly number[];
  readonly mean: readonly number[];
  readonly std: readonly number[];
  readonly layout: 'nchw' | 'nhwc';
}

export interface ResizeSpec {
  readonly mode: ResizeMode;
  readonly size: Size;
  readonly kernel: Kernel;
  /** Widen the kernel by the factor of shrinking. */
  readonly antialias: boolean;
  /** Red, green, blue of the border that letterbox adds. */
  readonly pad: readonly [number, number, number];
}

/** A row of named numbers: x = (value − mean) / std. */
export interface FeaturesInput {
  readonly kind: 'features';
  readonly names: readonly string[];
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

export interface AudioInput {
  readonly kind: 'audio';
  /** Samples per second. */
  readonly sampleRate: number;
  readonly samples: number | undefined;
}

/** An output of the last run that is fed back in. */
export interface StateInput {
  readonly kind: 'state';
  readonly from: string;
}

export interface ConstantInput {
  readonly kind: 'constant';
  readonly value: readonly number[];
}

export interface RawInput {
  readonly kind: 'raw';
}

export type Labels = { readonly file: string } | { readonly names: readonly string[] };

export type Activation = 'softmax' | 'sigmoid' | 'none';
export type BoxFormat = 'xyxy' | 'xywh' | 'cxcywh' | 'yxyx';

export interface ClassificationOutput {
  /** Output tensor of shape [batch, classes] or [batch, classes, 1, 1]. */
  readonly tensor: string;
  readonly labels: Labels | undefined;
  readonly activation: Activation;
}

export interface DetectionOutput {
  readonly boxes: string;
  readonly scores: string;
  readonly format: BoxFormat;
  readonly labels: Labels | undefined;
  readonly nms: { readonly iou: number; readonly score: number };
}

export interface TensorOutput {
  readonly tensor: string;
}

/** At least one is there. */
export interface OutputsSpec {
  readonly classification: ClassificationOutput | undefined;
  readonly detection: DetectionOutput | undefined;
  readonly regression: TensorOutput | undefined;
  readonly embedding: TensorOutput | undefined;
  /** True where the output tensors are handed on as they are. */
  readonly raw: boolean;
}

export interface EvaluationSpec {
  readonly metric: 'top1' | 'agreement';
  /** Largest net loss of a variant against fp32, a fraction. */
  readonly maxDrop: number;
  /** Columns of labels.csv that accuracy is also reported by. */
  readonly slices: readonly string[];
}

import type { AudioInput } from './audio-types.ts';
import type { OutputsSpec } from './output-types.ts';

export type * from './audio-types.ts';
export type * from './output-types.ts';

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

/** A row of named values. */
export interface FeaturesInput {
  readonly kind: 'features';
  readonly columns: readonly Column[];
}

export type Column = NumberColumn | CategoryColumn;

/** x = (value − mean) / std. */
export interface NumberColumn {
  readonly kind: 'number';
  readonly name: string;
  readonly mean: number;
  readonly std: number;
  /** What stands for a missing value, before scaling. */
  readonly missing: 'refuse' | number;
}

export interface CategoryColumn {
  readonly kind: 'category';
  readonly name: string;
  /** As texts without space around them: 1 and "1" are the same. */
  readonly categories: readonly string[];
  /** A number for each category, 0 or 1, or the place in the list. */
  readonly encode: 'oneHot' | 'index';
  /** `other` is one more category, at the end. */
  readonly unknown: 'refuse' | 'zeros' | 'other';
  readonly missing: 'refuse' | 'zeros' | 'other';
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

export interface EvaluationSpec {
  readonly metric: 'top1' | 'agreement';
  /** Largest net loss of a variant against fp32, a fraction. */
  readonly maxDrop: number;
  /** Columns of labels.csv that accuracy is also reported by. */
  readonly slices: readonly string[];
}

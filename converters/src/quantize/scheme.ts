import type { QdqForm } from '@flotilla/targets';
import type { CalibrationMethod } from '../calibrate/methods.ts';

/** How a variant's numbers are written: all that decides its bytes, given model and samples. Plain JSON. */
export type Scheme = Fp32Scheme | Fp16Scheme | StaticScheme | DynamicScheme | Int4Scheme;

export interface Fp32Scheme {
  readonly precision: 'fp32';
}

export interface Fp16Scheme {
  readonly precision: 'fp16';
  /** Names of nodes that stay in float32. */
  readonly float: readonly string[];
}

/** int8 weights and activations with ranges from samples, in QDQ form. */
export interface StaticScheme {
  /** `mixed` where some nodes that could run in integers stay in floating point by choice. */
  readonly precision: 'int8' | 'mixed';
  readonly form: QdqForm;
  readonly method: CalibrationMethod;
  /** Channels of neighboring layers were scaled to equal ranges first (Nagel et al. 2019). */
  readonly equalize: boolean;
  /** The shift of each output channel that quantization causes is taken out of its bias. */
  readonly biasCorrection: boolean;
  /** `adaptive`: each weight is rounded up or down so that the layer's output changes least (AdaRound). */
  readonly rounding: 'nearest' | 'adaptive';
  /** Names of nodes that stay in floating point by choice. */
  readonly float: readonly string[];
}

/** int8 weights; activations are quantized at run time by their own range. MatMul, Gemm and LSTM. */
export interface DynamicScheme {
  readonly precision: 'int8-dynamic';
  readonly float: readonly string[];
}

/** Weights of matrix products in 4 bits, one scale for each block; computation stays in floats. */
export interface Int4Scheme {
  readonly precision: 'int4';
  readonly blockSize: 16 | 32 | 64 | 128;
  readonly symmetric: boolean;
  readonly float: readonly string[];
}

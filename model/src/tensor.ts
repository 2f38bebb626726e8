/** Element types that Flotilla feeds to a runtime, named as in the Open Inference Protocol. */
export const ELEMENT_TYPES = {
  FP32: Float32Array,
  FP16: Uint16Array,
  FP64: Float64Array,
  INT8: Int8Array,
  UINT8: Uint8Array,
  INT16: Int16Array,
  UINT16: Uint16Array,
  INT32: Int32Array,
  UINT32: Uint32Array,
  INT64: BigInt64Array,
  UINT64: BigUint64Array,
  BOOL: Uint8Array,
} as const;

export type ElementType = keyof typeof ELEMENT_TYPES;
export type TensorData = InstanceType<(typeof ELEMENT_TYPES)[ElementType]>;

/** Dense row-major tensor. FP16 elements are IEEE 754 binary16 bit patterns; BOOL is 0 or 1 a byte. */
export interface Tensor {
  readonly type: ElementType;
  readonly shape: readonly number[];
  readonly data: TensorData;
}

export type Tensors = Readonly<Record<string, Tensor>>;

/** What a model declares of one input or output; -1 is a dimension known only at run time. */
export interface TensorInfo {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly number[];
}

import { byteSize, DATA_TYPES, type DataType } from './dtype.ts';
import type { Extra } from './extra.ts';
import { headOf, StoredTensor } from './stored.ts';

/**
 * A constant: row-major elements, little-endian as ONNX raw data has them, whatever field of the
 * file they came from. Never changed after it is made. `strings` holds the elements of a `string`
 * tensor, whose `bytes` are empty. Taking `bytes` may read a file (see `StoredTensor`): take them
 * once, outside of loops, and ask `byteLength` where only their number is wanted.
 */
export interface TensorValue {
  readonly dtype: DataType;
  readonly dims: readonly number[];
  readonly bytes: Uint8Array;
  readonly strings?: readonly Uint8Array[];
  readonly extra?: Extra;
}

/** Number of elements; 1 for a scalar. */
export function elementCount(tensor: { readonly dims: readonly number[] }): number {
  return tensor.dims.reduce((count, dim) => count * dim, 1);
}

/** A tensor over the bytes of a typed array, whose elements must be those of `dtype`. */
export function makeTensor(
  dtype: DataType,
  dims: readonly number[],
  data: ArrayBufferView,
): TensorValue {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const expected = byteSize(dtype, elementCount({ dims }));
  if (bytes.length !== expected) {
    throw new RangeError(`${dtype}[${dims}] takes ${expected} bytes, not ${bytes.length}`);
  }
  return { dtype, dims: [...dims], bytes };
}

export function float32Tensor(dims: readonly number[], values: ArrayLike<number>): TensorValue {
  return makeTensor('float32', dims, Float32Array.from(values));
}

export function int64Tensor(
  dims: readonly number[],
  values: Iterable<number | bigint>,
): TensorValue {
  return makeTensor('int64', dims, BigInt64Array.from([...values], BigInt));
}

/** The same elements under other dimensions of the same size. */
export function reshaped(tensor: TensorValue, dims: readonly number[]): TensorValue {
  if (elementCount({ dims }) !== elementCount(tensor)) {
    throw new RangeError(`[${tensor.dims}] cannot be reshaped to [${dims}]`);
  }
  if (tensor instanceof StoredTensor) {
    return new StoredTensor(tensor.dtype, [...dims], tensor.stored, tensor.extra);
  }
  return { ...tensor, dims: [...dims] };
}

type Reader = (view: DataView, index: number) => number;
type Writer = (view: DataView, index: number, value: number) => void;

interface Codec {
  readonly read: Reader;
  readonly write: Writer;
}

/** How the elements that passes compute with become numbers and back; 64-bit integers lose nothing below 2^53. */
const CODECS: Partial<Record<DataType, Codec>> = {
  float32: {
    read: (view, i) => view.getFloat32(i * 4, true),
    write: (view, i, v) => view.setFloat32(i * 4, v, true),
  },
  float64: {
    read: (view, i) => view.getFloat64(i * 8, true),
    write: (view, i, v) => view.setFloat64(i * 8, v, true),
  },
  float16: {
    read: (view, i) => view.getFloat16(i * 2, true),
    write: (view, i, v) => view.setFloat16(i * 2, v, true),
  },
  bfloat16: {
    read: (view, i) => bfloatToNumber(view.getUint16(i * 2, true)),
    write: (view, i, v) => view.setUint16(i * 2, numberToBfloat(v), true),
  },
  uint8: { read: (view, i) => view.getUint8(i), write: (view, i, v) => view.setUint8(i, v) },
  int8: { read: (view, i) => view.getInt8(i), write: (view, i, v) => view.setInt8(i, v) },
  bool: { read: (view, i) => view.getUint8(i), write: (view, i, v) => view.setUint8(i, v ? 1 : 0) },
  uint16: {
    read: (view, i) => view.getUint16(i * 2, true),
    write: (view, i, v) => view.setUint16(i * 2, v, true),
  },
  int16: {
    read: (view, i) => view.getInt16(i * 2, true),
    write: (view, i, v) => view.setInt16(i * 2, v, true),
  },
  uint32: {
    read: (view, i) => view.getUint32(i * 4, true),
    write: (view, i, v) => view.setUint32(i * 4, v, true),
  },
  int32: {
    read: (view, i) => view.getInt32(i * 4, true),
    write: (view, i, v) => view.setInt32(i * 4, v, true),
  },
  int64: {
    read: (view, i) => Number(view.getBigInt64(i * 8, true)),
    write: (view, i, v) => view.setBigInt64(i * 8, BigInt(v), true),
  },
  uint64: {
    read: (view, i) => Number(view.getBigUint64(i * 8, true)),
    write: (view, i, v) => view.setBigUint64(i * 8, BigInt(v), true),
  },
};

function bfloatToNumber(bits: number): number {
  return new Float32Array(Uint32Array.of(bits << 16).buffer)[0]!;
}

function numberToBfloat(value: number): number {
  const bits = new Uint32Array(Float32Array.of(value).buffer)[0]!;
  if (Number.isNaN(value)) return 0x7fc0;
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff;
}

/** True where `toNumbers` and `fromNumbers` know the type. */
export function isNumeric(dtype: DataType): boolean {
  return CODECS[dtype] !== undefined;
}

/** Every element as a number. int64 beyond 2^53 is rounded: use `toBigInts` where that matters. */
export function toNumbers(tensor: TensorValue): Float64Array {
  const { read } = codecOf(tensor.dtype);
  const view = viewOf(tensor.bytes);
  const values = new Float64Array(elementCount(tensor));
  for (let i = 0; i < values.length; i++) values[i] = read(view, i);
  return values;
}

/** True where every element is `value`; one that differs at its begin is not read further. */
export function isFilledWith(tensor: TensorValue, value: number): boolean {
  const codec = CODECS[tensor.dtype];
  const count = elementCount(tensor);
  if (codec === undefined) return false;
  if (count === 0) return true;
  const first = viewOf(headOf(tensor, byteSize(tensor.dtype, 1)));
  if (codec.read(first, 0) !== value) return false;
  const view = viewOf(tensor.bytes);
  for (let i = 1; i < count; i++) if (codec.read(view, i) !== value) return false;
  return true;
}

/** Every element of a float tensor as float32; without a copy where bytes already are that and lie aligned. */
export function toFloats(tensor: TensorValue): Float32Array {
  const { dtype, bytes } = tensor;
  if (dtype !== 'float32') return Float32Array.from(toNumbers(tensor));
  if (bytes.byteOffset % 4 !== 0) return new Float32Array(new Uint8Array(bytes).buffer);
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
}

/** Every element of an integer tensor, exact. */
export function toBigInts(tensor: TensorValue): bigint[] {
  const view = viewOf(tensor.bytes);
  const count = elementCount(tensor);
  if (tensor.dtype === 'int64') {
    return Array.from({ length: count }, (_, i) => view.getBigInt64(i * 8, true));
  }
  if (tensor.dtype === 'uint64') {
    return Array.from({ length: count }, (_, i) => view.getBigUint64(i * 8, true));
  }
  return Array.from(toNumbers(tensor), BigInt);
}

/** A tensor of `dtype` from numbers; integers must be whole and are taken modulo the type's width. */
export function fromNumbers(
  dtype: DataType,
  dims: readonly number[],
  values: ArrayLike<number>,
): TensorValue {
  const { write } = codecOf(dtype);
  const bytes = new Uint8Array(byteSize(dtype, values.length));
  const view = viewOf(bytes);
  for (let i = 0; i < values.length; i++) write(view, i, values[i]!);
  return makeTensor(dtype, dims, bytes);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function codecOf(dtype: DataType): Codec {
  const codec = CODECS[dtype];
  if (codec === undefined) {
    throw new TypeError(`${dtype} (${DATA_TYPES[dtype].bits} bits) has no numbers`);
  }
  return codec;
}

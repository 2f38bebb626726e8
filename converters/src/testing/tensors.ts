import { ELEMENT_TYPES, type ElementType, type Tensor } from '@flotilla/model';
import type { DataType } from '../ir/dtype.ts';
import type { TensorValue } from '../ir/tensor.ts';

const ELEMENTS: Partial<Record<DataType, ElementType>> = {
  float32: 'FP32',
  float16: 'FP16',
  float64: 'FP64',
  int8: 'INT8',
  uint8: 'UINT8',
  int16: 'INT16',
  uint16: 'UINT16',
  int32: 'INT32',
  uint32: 'UINT32',
  int64: 'INT64',
  uint64: 'UINT64',
  bool: 'BOOL',
};

/** A constant of the IR as a tensor that a runtime takes. */
export function feedOf(value: TensorValue): Tensor {
  const type = ELEMENTS[value.dtype];
  if (type === undefined) throw new TypeError(`no runtime takes ${value.dtype} from here`);
  const bytes = Uint8Array.from(value.bytes);
  return { type, shape: value.dims, data: new ELEMENT_TYPES[type](bytes.buffer) };
}

/** The bytes of a tensor from a runtime, to compare with a constant of the IR. */
export function bytesOf({ data }: Tensor): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
}

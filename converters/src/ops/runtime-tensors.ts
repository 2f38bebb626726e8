import { ELEMENT_TYPES, type ElementType, type Tensor } from '@flotilla/model';
import type { DataType } from '../ir/dtype.ts';
import { makeTensor, type TensorValue } from '../ir/tensor.ts';

/** Types that a runtime takes and gives, by their names in the IR. */
const ELEMENTS: Readonly<Partial<Record<DataType, ElementType>>> = {
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

const DATA_TYPE_OF: ReadonlyMap<ElementType, DataType> = new Map(
  Object.entries(ELEMENTS).map(([dtype, element]) => [element, dtype as DataType]),
);

/** True for element types that can be read from a runtime. */
export function isReadable(dtype: DataType): boolean {
  return ELEMENTS[dtype] !== undefined;
}

/** What a runtime gave, as a constant of the IR. */
export function constantOf({ type, shape, data }: Tensor): TensorValue {
  return makeTensor(DATA_TYPE_OF.get(type)!, shape, data);
}

/** A constant of the IR as a runtime takes it, or undefined for a type that none takes. */
export function feedOf({ dtype, dims, bytes }: TensorValue): Tensor | undefined {
  const type = ELEMENTS[dtype];
  if (type === undefined) return undefined;
  return { type, shape: dims, data: new ELEMENT_TYPES[type](Uint8Array.from(bytes).buffer) };
}

import { ELEMENT_TYPES, type ElementType, type Tensor } from '@flotilla/model';
import { type Field, fieldsOf, numbersOf } from './wire.ts';

/** Field numbers of TensorProto (onnx.proto). */
const TENSOR = {
  dims: 1,
  type: 2,
  floats: 4,
  int32s: 5,
  int64s: 7,
  name: 8,
  raw: 9,
  doubles: 10,
  uint64s: 11,
};

/** `TensorProto.DataType`, with the field that holds its elements where `raw_data` does not. */
const TYPES: Readonly<
  Record<number, { readonly type: ElementType; readonly field: number; readonly size: 0 | 4 | 8 }>
> = {
  1: { type: 'FP32', field: TENSOR.floats, size: 4 },
  2: { type: 'UINT8', field: TENSOR.int32s, size: 0 },
  3: { type: 'INT8', field: TENSOR.int32s, size: 0 },
  4: { type: 'UINT16', field: TENSOR.int32s, size: 0 },
  5: { type: 'INT16', field: TENSOR.int32s, size: 0 },
  6: { type: 'INT32', field: TENSOR.int32s, size: 0 },
  7: { type: 'INT64', field: TENSOR.int64s, size: 0 },
  9: { type: 'BOOL', field: TENSOR.int32s, size: 0 },
  10: { type: 'FP16', field: TENSOR.int32s, size: 0 },
  11: { type: 'FP64', field: TENSOR.doubles, size: 8 },
  12: { type: 'UINT32', field: TENSOR.uint64s, size: 0 },
  13: { type: 'UINT64', field: TENSOR.uint64s, size: 0 },
};

/** The tensor in a `TensorProto`; undefined where its elements are of a type that nothing here runs. */
export function parseTensor(bytes: Uint8Array): Tensor | undefined {
  const fields = [...fieldsOf(bytes)];
  const pick = (number: number) => fields.filter((field) => field.number === number);
  const shape = numbersOf(pick(TENSOR.dims), 0).map(Number);
  const [{ value: code = 0n } = {}] = pick(TENSOR.type);
  const form = TYPES[Number(code)];
  if (form === undefined) return undefined;
  const [raw] = pick(TENSOR.raw);
  const data =
    raw?.value instanceof Uint8Array
      ? new ELEMENT_TYPES[form.type](raw.value.slice().buffer)
      : elements(form.type, pick(form.field), form.size);
  return { type: form.type, shape, data };
}

function elements(type: ElementType, fields: readonly Field[], size: 0 | 4 | 8): Tensor['data'] {
  const numbers = numbersOf(fields, size);
  if (size === 4) return new Float32Array(Uint32Array.from(numbers, Number).buffer);
  if (size === 8) return new Float64Array(BigUint64Array.from(numbers).buffer);
  if (type === 'INT64') return BigInt64Array.from(numbers, (n) => BigInt.asIntN(64, n));
  if (type === 'UINT64') return BigUint64Array.from(numbers);
  const array = new ELEMENT_TYPES[type](numbers.length);
  numbers.forEach((n, i) => {
    array[i] = Number(BigInt.asIntN(64, n));
  });
  return array;
}

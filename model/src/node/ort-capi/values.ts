import { FlotillaError } from '@flotilla/protocol';
import { ELEMENT_TYPES, type ElementType, type Tensor, type TensorInfo } from '../../tensor.ts';
import { elementCount } from '../../tensors.ts';
import { type OrtLibrary, taken, takenInt } from './library.ts';

/** ONNXTensorElementDataType. */
const CODES = {
  FP32: 1,
  UINT8: 2,
  INT8: 3,
  UINT16: 4,
  INT16: 5,
  INT32: 6,
  INT64: 7,
  BOOL: 9,
  FP16: 10,
  FP64: 11,
  UINT32: 12,
  UINT64: 13,
} as const satisfies Record<ElementType, number>;

const ELEMENTS: ReadonlyMap<number, ElementType> = new Map(
  Object.entries(CODES).map(([element, code]) => [code, element as ElementType]),
);

/** What a session declares of one input or output; the type info stays the caller's. */
export function tensorInfo(library: OrtLibrary, name: string, typeInfo: bigint): TensorInfo {
  const info = taken((cell) => library.call.CastTypeInfoToTensorInfo(typeInfo, cell));
  const { type, shape } = info === 0n ? { type: undefined, shape: [] } : describe(library, info);
  if (type !== undefined) return { name, type, shape };
  const reason = `${name} is no tensor of numbers of 8 to 64 bits or of booleans: only those can be fed and read`;
  throw new FlotillaError('runtime.load-failed', { reason });
}

/** Type and shape, where -1 is a dimension known only at run time. */
function describe({ call }: OrtLibrary, info: bigint) {
  const code = takenInt((cell) => call.GetTensorElementType(info, cell));
  const rank = Number(taken((cell) => call.GetDimensionsCount(info, cell)));
  const dimensions = new BigInt64Array(rank);
  if (rank > 0) call.GetDimensions(info, dimensions, rank);
  return { type: ELEMENTS.get(code), shape: Array.from(dimensions, Number) };
}

/**
 * A value over the tensor's own memory: the tensor must be held for as long as the value lives, and
 * the value released.
 */
export function toValue({ call }: OrtLibrary, memory: bigint, tensor: Tensor): bigint {
  const { type, shape, data } = tensor;
  const dimensions = BigInt64Array.from(shape, BigInt);
  return taken((cell) =>
    call.CreateTensorWithDataAsOrtValue(
      memory,
      data,
      data.byteLength,
      dimensions,
      shape.length,
      CODES[type],
      cell,
    ),
  );
}

/** A copy of what a value holds; the value stays the caller's. */
export function fromValue(library: OrtLibrary, name: string, value: bigint): Tensor {
  const { call, release } = library;
  const info = taken((cell) => call.GetTensorTypeAndShape(value, cell));
  try {
    const { type, shape } = describe(library, info);
    if (type === undefined) throw new Error(`output ${name} has a type that cannot be read`);
    const data = new ELEMENT_TYPES[type](elementCount(shape));
    if (data.byteLength > 0) {
      const from = taken((cell) => call.GetTensorMutableData(value, cell));
      library.copy(data, from, data.byteLength);
    }
    return { type, shape, data };
  } finally {
    release.TensorTypeAndShapeInfo(info);
  }
}

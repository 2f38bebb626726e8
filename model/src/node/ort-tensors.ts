import { FlotillaError } from '@flotilla/protocol';
import { type InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import type { ElementType, Tensor, TensorData, TensorInfo } from '../tensor.ts';

type OrtType = OrtTensor.Type;

const TYPES = {
  FP32: 'float32',
  FP16: 'float16',
  FP64: 'float64',
  INT8: 'int8',
  UINT8: 'uint8',
  INT16: 'int16',
  UINT16: 'uint16',
  INT32: 'int32',
  UINT32: 'uint32',
  INT64: 'int64',
  UINT64: 'uint64',
  BOOL: 'bool',
} as const satisfies Record<ElementType, OrtType>;

const ELEMENTS: ReadonlyMap<string, ElementType> = new Map(
  Object.entries(TYPES).map(([element, type]) => [type, element as ElementType]),
);

/** What a session declares of its inputs or outputs. */
export function tensorInfos(metadata: readonly InferenceSession.ValueMetadata[]): TensorInfo[] {
  return metadata.map((value) => {
    const type = value.isTensor ? ELEMENTS.get(value.type) : undefined;
    if (!value.isTensor || !type) {
      const found = value.isTensor ? value.type : 'a sequence, map or optional';
      const reason = `${value.name} is ${found}; only tensors of numbers of 8 to 64 bits and of booleans can be fed and read`;
      throw new FlotillaError('runtime.load-failed', { reason });
    }
    const shape = value.shape.map((n) => (typeof n === 'number' && n >= 0 ? n : -1));
    return { name: value.name, type, shape };
  });
}

/**
 * The library turns FP16 bit patterns into a Float16Array where JavaScript has one, but its native
 * side takes a Uint16Array only ("not enough space: expected N, got 0"): the bits are put back.
 */
export function toOrt(tensor: Tensor): OrtTensor {
  const value = new OrtTensor(TYPES[tensor.type], tensor.data as Float32Array, [...tensor.shape]);
  if (tensor.type === 'FP16') Object.defineProperty(value, 'data', { value: tensor.data });
  return value;
}

export function fromOrt(name: string, value: OrtTensor): Tensor {
  const type = ELEMENTS.get(value.type);
  if (!type) {
    const reason = `output ${name} has type ${value.type}, which cannot be read`;
    throw new FlotillaError('runtime.run-failed', { reason });
  }
  const data = type === 'FP16' ? viewAsBits(value.data as ArrayBufferView) : value.data;
  return { type, shape: [...value.dims], data: data as TensorData };
}

function viewAsBits(data: ArrayBufferView): Uint16Array {
  return new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2);
}

import type Long from 'long';
import { DATA_TYPES, type DataType, dataTypeOfCode } from '../../ir/dtype.ts';
import { byteLength, type StoredBytes, StoredTensor } from '../../ir/stored.ts';
import { elementCount, type TensorValue } from '../../ir/tensor.ts';
import type { TensorProto } from './onnx.gen.ts';
import { extraOf, has } from './schema.ts';

/** Where the bytes of tensors lie that are kept outside the model file. */
export interface ExternalData {
  /** `length` is undefined where the rest of the file is meant. @throws Unreadable */
  part(location: string, offset: number, length: number | undefined): StoredBytes;
}

/** Why a file cannot be read; the caller adds which file it was. */
export class Unreadable extends Error {}

/** External data below this is read at once: shapes and scalars, which every pass asks for. */
const LAZY_BYTES = 1024;

/** Far beyond every framework; a damaged file may hold millions. */
const MAX_RANK = 255;

const MODELLED = [
  'dims',
  'dataType',
  'floatData',
  'int32Data',
  'stringData',
  'int64Data',
  'name',
  'rawData',
  'externalData',
  'dataLocation',
  'doubleData',
  'uint64Data',
] as const satisfies (keyof TensorProto)[];

/** A 64-bit size or index as a number, where it is one that memory could hold. */
export function sizeOf(value: Long, what: string): number {
  const size = value.toNumber();
  if (size < 0 || !Number.isSafeInteger(size)) throw new Unreadable(`${what} is ${value}`);
  return size;
}

/** @throws Unreadable where a shape has more dimensions than any tensor has. */
export function checkRank(rank: number, what: string): void {
  if (rank > MAX_RANK) throw new Unreadable(`${what} has ${rank} dimensions`);
}

/**
 * Brings the elements into raw little-endian form from whichever field holds them; larger ones
 * outside the model file stay there until they are taken.
 */
export function readTensor(
  proto: TensorProto,
  external: ExternalData | undefined,
  where?: string,
): TensorValue {
  const what = where ?? `tensor ${JSON.stringify(proto.name)}`;
  const dtype = dataTypeOfCode(proto.dataType);
  if (dtype === undefined) {
    throw new Unreadable(`${what} has the unknown element type ${proto.dataType}`);
  }
  checkRank(proto.dims.length, what);
  const dims = proto.dims.map((dim) => sizeOf(dim, `a dimension of ${what}`));
  const extra = extraOf(proto, MODELLED);
  if (dtype === 'string') {
    checkCount(proto.stringData.length, elementCount({ dims }), 'strings', what);
    return { dtype, dims, bytes: new Uint8Array(), strings: proto.stringData, extra };
  }
  const storage = proto.dataLocation === 1 ? outside(proto, external, what) : inside(proto, dtype);
  const tensor: TensorValue = { dtype, dims, bytes: new Uint8Array(), extra };
  checkCount(storage.length, byteLength(tensor), 'bytes', what);
  if (storage instanceof Uint8Array) return { ...tensor, bytes: storage };
  if (storage.length < LAZY_BYTES) return { ...tensor, bytes: storage.read() };
  return new StoredTensor(dtype, dims, storage, extra);
}

function checkCount(actual: number, expected: number, unit: string, what: string): void {
  if (actual === expected) return;
  throw new Unreadable(`${what} has ${actual} ${unit}, its dimensions need ${expected}`);
}

function inside(proto: TensorProto, dtype: DataType): Uint8Array {
  return has(proto, 'rawData') ? proto.rawData : typedBytes(proto, dtype);
}

/** The typed fields of onnx.proto: narrow types ride in int32_data, one storage unit an entry. */
function typedBytes(proto: TensorProto, dtype: DataType): Uint8Array {
  switch (dtype) {
    case 'float32':
    case 'complex64':
      return bytesOf(Float32Array.from(proto.floatData));
    case 'float64':
    case 'complex128':
      return bytesOf(Float64Array.from(proto.doubleData));
    case 'int64':
      return bytesOf(BigInt64Array.from(proto.int64Data, (value) => value.toBigInt()));
    case 'uint64':
      return bytesOf(BigUint64Array.from(proto.uint64Data, (value) => value.toBigInt()));
    case 'uint32':
      return bytesOf(Uint32Array.from(proto.uint64Data, (value) => value.toNumber()));
    case 'int32':
      return bytesOf(Int32Array.from(proto.int32Data));
    default:
      return DATA_TYPES[dtype].bits === 16
        ? bytesOf(Uint16Array.from(proto.int32Data))
        : Uint8Array.from(proto.int32Data);
  }
}

function bytesOf(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

function outside(
  proto: TensorProto,
  external: ExternalData | undefined,
  what: string,
): StoredBytes {
  const entries = new Map(proto.externalData.map(({ key, value }) => [key, value]));
  const location = entries.get('location') ?? '';
  if (external === undefined) {
    throw new Unreadable(`${what} lies in the file ${JSON.stringify(location)} beside the model`);
  }
  const number = (key: string): number | undefined => {
    const text = entries.get(key);
    if (text === undefined) return undefined;
    if (!/^\d{1,15}$/.test(text)) throw new Unreadable(`${what} has an external ${key} of ${text}`);
    return Number(text);
  };
  try {
    return external.part(location, number('offset') ?? 0, number('length'));
  } catch (cause) {
    if (!(cause instanceof Unreadable) || cause.message.startsWith(what)) throw cause;
    throw new Unreadable(`${what}: ${cause.message}`, { cause });
  }
}

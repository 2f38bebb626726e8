import { ELEMENT_TYPES, type ElementType, type Tensor, type TensorData } from './tensor.ts';
import { elementCount } from './tensors.ts';

/** Element types by their names in safetensors. */
const DTYPES = {
  FP32: 'F32',
  FP16: 'F16',
  FP64: 'F64',
  INT8: 'I8',
  UINT8: 'U8',
  INT16: 'I16',
  UINT16: 'U16',
  INT32: 'I32',
  UINT32: 'U32',
  INT64: 'I64',
  UINT64: 'U64',
  BOOL: 'BOOL',
} as const satisfies Record<ElementType, string>;

const ELEMENTS: ReadonlyMap<string, ElementType> = new Map(
  Object.entries(DTYPES).map(([element, dtype]) => [dtype, element as ElementType]),
);

const MAX_HEADER_BYTES = 1 << 20;
const MAX_TENSORS = 10_000;
const ALIGNMENT = 8;

/**
 * Writes a safetensors file (github.com/huggingface/safetensors, "Format"): eight bytes with the
 * header's length, the header as JSON, then the data of all tensors, little-endian, without gaps.
 */
export function toSafetensors(
  tensors: readonly (readonly [string, Tensor])[],
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const entries: [string, unknown][] = [['__metadata__', metadata]];
  let size = 0;
  for (const [name, { type, shape, data }] of tensors) {
    entries.push([
      name,
      { dtype: DTYPES[type], shape, data_offsets: [size, size + data.byteLength] },
    ]);
    size += data.byteLength;
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)));
  const headerLength = Math.ceil(json.length / ALIGNMENT) * ALIGNMENT;
  const bytes = new Uint8Array(8 + headerLength + size).fill(0x20, 8, 8 + headerLength);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(headerLength), true);
  bytes.set(json, 8);
  let offset = 8 + headerLength;
  for (const [, { data }] of tensors) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), offset);
    offset += data.byteLength;
  }
  return bytes;
}

export interface Safetensors {
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Reads a safetensors file; `fail` says what is wrong and never returns. */
export function fromSafetensors(bytes: Uint8Array, fail: (reason: string) => never): Safetensors {
  if (bytes.length < 8) return fail('the file is cut off');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerLength = view.getBigUint64(0, true);
  if (headerLength > MAX_HEADER_BYTES || 8 + Number(headerLength) > bytes.length) {
    return fail('the header is cut off or too large');
  }
  const start = 8 + Number(headerLength);
  const header = parseHeader(bytes.subarray(8, start), fail);
  const { __metadata__: metadata = {}, ...rest } = header;
  if (Object.keys(rest).length > MAX_TENSORS) return fail('it holds too many tensors');
  const data = bytes.subarray(start);
  const tensors = Object.entries(rest).map(
    ([name, entry]) => [name, readTensor(name, entry, data, fail)] as const,
  );
  return { tensors: new Map(tensors), metadata: strings(metadata) };
}

function parseHeader(
  json: Uint8Array,
  fail: (reason: string) => never,
): Readonly<Record<string, unknown>> {
  try {
    const header: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(json));
    if (isRecord(header)) return header;
  } catch {
    return fail('the header is not JSON');
  }
  return fail('the header is not an object');
}

function readTensor(
  name: string,
  entry: unknown,
  data: Uint8Array,
  fail: (reason: string) => never,
): Tensor {
  const { dtype, shape, data_offsets: offsets } = isRecord(entry) ? entry : {};
  const type = typeof dtype === 'string' ? ELEMENTS.get(dtype) : undefined;
  const [from, to] = isCounts(offsets) && offsets.length === 2 ? offsets : [];
  if (!type || !isCounts(shape) || from === undefined || to === undefined || to > data.length) {
    return fail(`tensor ${name.slice(0, 80)} is described wrongly or cut off`);
  }
  const ArrayType = ELEMENT_TYPES[type];
  const count = elementCount(shape);
  if (to - from !== count * ArrayType.BYTES_PER_ELEMENT) {
    return fail(`tensor ${name.slice(0, 80)} of shape [${shape}] has another number of bytes`);
  }
  // A copy, because the bytes in the file are not aligned to their element; not by slice, which
  // gives a view where a Buffer was read.
  const copy = new Uint8Array(data.subarray(from, to));
  return { type, shape, data: new ArrayType(copy.buffer, 0, count) as TensorData };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCounts(value: unknown): value is number[] {
  return (
    Array.isArray(value) &&
    value.length <= 16 &&
    value.every((n) => Number.isSafeInteger(n) && n >= 0)
  );
}

function strings(metadata: unknown): Record<string, string> {
  if (!isRecord(metadata)) return {};
  return Object.fromEntries(
    Object.entries(metadata).filter((e): e is [string, string] => typeof e[1] === 'string'),
  );
}

import { ELEMENT_TYPES, type ElementType, type Tensor, type TensorData } from '@flotilla/model';
import { FlotillaError } from '@flotilla/protocol';

/** NumPy's type codes (little endian) that a model can be fed with. */
const TYPE_OF: Readonly<Record<string, ElementType>> = {
  '<f4': 'FP32',
  '<f2': 'FP16',
  '<f8': 'FP64',
  '|i1': 'INT8',
  '|u1': 'UINT8',
  '<i2': 'INT16',
  '<u2': 'UINT16',
  '<i4': 'INT32',
  '<u4': 'UINT32',
  '<i8': 'INT64',
  '<u8': 'UINT64',
  '|b1': 'BOOL',
};

const MAGIC = '\x93NUMPY';
const MAX_RANK = 16;

/**
 * Reads an array in NumPy's `.npy` format, versions 1 to 3
 * (numpy.org/doc/stable/reference/generated/numpy.lib.format.html): C order, little endian. The
 * elements are a copy.
 *
 * @throws FlotillaError `data.invalid`
 */
export function parseNpy(bytes: Uint8Array, file: string): Tensor {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 12 || latin1(bytes, 0, 6) !== MAGIC) throw invalid(file, 'no .npy array');
  const wide = (bytes[6] ?? 0) >= 2;
  const start = wide ? 12 : 10;
  const end = start + (wide ? view.getUint32(8, true) : view.getUint16(8, true));
  if (end > bytes.length) throw invalid(file, 'the header is cut off');
  const { type, shape } = parseHeader(latin1(bytes, start, end), file);
  return { type, shape, data: elementsOf(bytes.subarray(end), type, shape, file) };
}

function parseHeader(header: string, file: string): { type: ElementType; shape: number[] } {
  const descr = /'descr':\s*'([^']{1,8})'/.exec(header)?.[1] ?? '';
  const type = TYPE_OF[descr];
  if (type === undefined) throw invalid(file, `elements of type "${descr}" are not supported`);
  if (!/'fortran_order':\s*False/.test(header)) throw invalid(file, 'it is not in C order');
  const dims = /'shape':\s*\(([\d,\s]*)\)/.exec(header)?.[1];
  if (dims === undefined) throw invalid(file, 'the header has no shape');
  const shape = dims.split(',').flatMap((dim) => (dim.trim() === '' ? [] : [Number(dim)]));
  if (shape.length > MAX_RANK) throw invalid(file, `${shape.length} dimensions are too many`);
  return { type, shape };
}

function elementsOf(
  body: Uint8Array,
  type: ElementType,
  shape: readonly number[],
  file: string,
): TensorData {
  const Elements = ELEMENT_TYPES[type];
  const length = shape.reduce((product, dim) => product * dim, 1);
  const size = length * Elements.BYTES_PER_ELEMENT;
  if (!Number.isSafeInteger(length) || size > body.length) {
    throw invalid(file, `shape [${shape.join(', ')}] needs more bytes than the file holds`);
  }
  // Copied to lie aligned; a Buffer's own slice() would share the memory.
  const aligned = Uint8Array.prototype.slice.call(body, 0, size);
  return new Elements(aligned.buffer, 0, length);
}

/** Row `row` of an array whose first dimension counts samples; the row keeps a dimension of 1. */
export function rowOf(tensor: Tensor, row: number): Tensor {
  const [, ...rest] = tensor.shape;
  const size = rest.reduce((product, dim) => product * dim, 1);
  const data = tensor.data.slice(row * size, (row + 1) * size);
  return { type: tensor.type, shape: [1, ...rest], data };
}

function latin1(bytes: Uint8Array, start: number, end: number): string {
  return String.fromCharCode(...bytes.subarray(start, Math.min(end, start + 65_536)));
}

function invalid(file: string, reason: string): FlotillaError {
  return new FlotillaError('data.invalid', { file, reason });
}

/**
 * Inference requests of the Open Inference Protocol v2 (github.com/kserve/open-inference-protocol)
 * with its binary tensor data extension: a JSON head, and after it the bytes of the tensors that
 * say `binary_data_size`, in their order.
 */
import { ELEMENT_TYPES, type ElementType, type Tensor, tensorOf } from '@flotilla/model';
import { FlotillaError } from '@flotilla/protocol';
import Type, { type Static } from 'typebox';
import { Value } from 'typebox/value';
import type { RawInputs } from '../../core/index.ts';
import { bad } from './bad-request.ts';
import { classCount } from './classes.ts';

const Parameters = Type.Optional(Type.Record(Type.String(), Type.Unknown()));

type Parameters = Readonly<Record<string, unknown>> | undefined;

const InferHead = Type.Object({
  id: Type.Optional(Type.String({ maxLength: 256 })),
  parameters: Parameters,
  inputs: Type.Array(
    Type.Object({
      name: Type.String({ minLength: 1, maxLength: 512 }),
      shape: Type.Array(Type.Integer({ minimum: 0, maximum: 2 ** 31 }), { maxItems: 16 }),
      datatype: Type.String({ maxLength: 16 }),
      parameters: Parameters,
      data: Type.Optional(Type.Array(Type.Unknown())),
    }),
    { minItems: 1, maxItems: 256 },
  ),
  outputs: Type.Optional(
    Type.Array(
      Type.Object({ name: Type.String({ minLength: 1, maxLength: 512 }), parameters: Parameters }),
      { maxItems: 256 },
    ),
  ),
});
type InferHead = Static<typeof InferHead>;
type InputHead = InferHead['inputs'][number];

export interface WantedOutput {
  readonly name: string;
  readonly binary: boolean;
  /** So many of the highest elements, as texts; undefined gives the tensor. */
  readonly classes: number | undefined;
}

export interface InferRequest {
  readonly id: string | undefined;
  readonly inputs: RawInputs;
  /** Which outputs are wanted, and whether in binary; undefined wants all. */
  readonly outputs: readonly WantedOutput[] | undefined;
  /** Outputs go in binary where nothing else is said of them. */
  readonly binary: boolean;
}

const ITEM_LENGTH_BYTES = 4;

/**
 * Reads a request.
 *
 * @param headLength value of `Inference-Header-Content-Length`; undefined where all is JSON
 * @throws FlotillaError `infer.bad-request`
 */
export function readInferRequest(body: Uint8Array, headLength: number | undefined): InferRequest {
  const cut = headLength ?? body.length;
  if (!Number.isSafeInteger(cut) || cut < 0 || cut > body.length) {
    throw bad('Inference-Header-Content-Length', `${cut} is not within ${body.length} bytes`);
  }
  const head = parseHead(body.subarray(0, cut));
  const binary = createCursor(body.subarray(cut));
  const inputs = new Map<string, Uint8Array | Tensor>();
  for (const input of head.inputs) {
    if (inputs.has(input.name)) throw bad(`input ${input.name}`, 'it is given twice');
    inputs.set(input.name, readInput(input, binary));
  }
  if (binary.left > 0) throw bad('body', `${binary.left} bytes belong to no input`);
  const all = head.parameters?.binary_data_output === true;
  return {
    id: head.id,
    inputs: Object.fromEntries(inputs),
    outputs: head.outputs?.map(({ name, parameters }) => wantedOutput(name, parameters, all)),
    binary: all,
  };
}

function wantedOutput(name: string, parameters: Parameters, all: boolean): WantedOutput {
  const where = `output ${name}`;
  refuseSharedMemory(where, parameters);
  const classes = classCount(where, parameters?.classification);
  const { binary_data: binary = all } = parameters ?? {};
  if (typeof binary !== 'boolean') throw bad(where, 'binary_data is neither true nor false');
  return { name, binary, classes };
}

/** Memory that a client shares would have to be opened by name in the client's stead. */
function refuseSharedMemory(where: string, parameters: Parameters): void {
  if (parameters?.shared_memory_region === undefined) return;
  throw bad(where, 'shared memory is not served: send the tensor in the request');
}

function parseHead(bytes: Uint8Array): InferHead {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'unreadable';
    throw new FlotillaError('infer.bad-request', { where: 'JSON', reason }, { cause });
  }
  if (Value.Check(InferHead, value)) return value;
  const [first] = Value.Errors(InferHead, value);
  throw bad(first?.instancePath || 'request', first?.message ?? 'is malformed');
}

interface Cursor {
  readonly left: number;
  take(length: number): Uint8Array | undefined;
}

function createCursor(bytes: Uint8Array): Cursor {
  let at = 0;
  return {
    get left() {
      return bytes.length - at;
    },
    take(length) {
      if (length > bytes.length - at) return undefined;
      at += length;
      return bytes.subarray(at - length, at);
    },
  };
}

function readInput(input: InputHead, binary: Cursor): Uint8Array | Tensor {
  const where = `input ${input.name}`;
  refuseSharedMemory(where, input.parameters);
  const size = input.parameters?.binary_data_size;
  if (size !== undefined && (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0)) {
    throw bad(where, 'binary_data_size is not a count of bytes');
  }
  if (size === undefined && input.data === undefined) throw bad(where, 'it has no data');
  const bytes = size === undefined ? undefined : binary.take(size);
  if (size !== undefined && bytes === undefined) throw bad(where, `fewer than ${size} bytes came`);
  const count = input.shape.reduce((product, n) => product * n, 1);
  if (input.datatype === 'BYTES') {
    if (count !== 1) throw bad(where, 'BYTES takes one encoded image, shape [1]');
    return bytes === undefined ? fromBase64(where, input.data) : fromItem(where, bytes);
  }
  if (!Object.hasOwn(ELEMENT_TYPES, input.datatype)) {
    throw bad(where, `datatype ${input.datatype} is not one of ${KNOWN_TYPES}`);
  }
  const type = input.datatype as ElementType;
  return bytes === undefined
    ? fromNumbers(where, type, input, count)
    : fromBinary(where, type, input.shape, count, bytes);
}

const KNOWN_TYPES = [...Object.keys(ELEMENT_TYPES), 'BYTES'].join(', ');

/** JSON cannot carry bytes: one element, base64. */
function fromBase64(where: string, data: readonly unknown[] | undefined): Uint8Array {
  const [text] = (data ?? []).flat(16);
  if (typeof text !== 'string' || !/^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(text)) {
    throw bad(where, 'BYTES in JSON is one base64 text');
  }
  return Buffer.from(text, 'base64');
}

/** In binary each element of BYTES has its length before it, 4 bytes little endian. */
function fromItem(where: string, bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = bytes.length < ITEM_LENGTH_BYTES ? -1 : view.getUint32(0, true);
  if (length === bytes.length - ITEM_LENGTH_BYTES) return bytes.subarray(ITEM_LENGTH_BYTES);
  throw bad(where, 'BYTES in binary is one element with its length in 4 bytes before it');
}

function fromBinary(
  where: string,
  type: ElementType,
  shape: readonly number[],
  count: number,
  bytes: Uint8Array,
): Tensor {
  const array = ELEMENT_TYPES[type];
  if (bytes.length !== count * array.BYTES_PER_ELEMENT) {
    throw bad(where, `${bytes.length} bytes came for ${type} [${shape}]`);
  }
  // a copy, because the elements must be aligned; not by slice, which gives a view of a Buffer
  const aligned = new Uint8Array(bytes);
  return { type, shape, data: new array(aligned.buffer, 0, count) };
}

/** Of types that take whole numbers only; those of 64 bits end where JSON's numbers are exact. */
const WHOLE: Readonly<Partial<Record<ElementType, readonly [min: number, max: number]>>> = {
  INT8: [-(2 ** 7), 2 ** 7 - 1],
  UINT8: [0, 2 ** 8 - 1],
  INT16: [-(2 ** 15), 2 ** 15 - 1],
  UINT16: [0, 2 ** 16 - 1],
  INT32: [-(2 ** 31), 2 ** 31 - 1],
  UINT32: [0, 2 ** 32 - 1],
  INT64: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
  UINT64: [0, Number.MAX_SAFE_INTEGER],
  BOOL: [0, 1],
};

function holds(type: ElementType, value: number): boolean {
  const range = WHOLE[type];
  return range === undefined || (Number.isInteger(value) && value >= range[0] && value <= range[1]);
}

function fromNumbers(where: string, type: ElementType, input: InputHead, count: number): Tensor {
  const values = (input.data ?? []).flat(16).map((value) => {
    if (typeof value === 'number' && holds(type, value)) return value;
    if (typeof value === 'boolean' && type === 'BOOL') return value ? 1 : 0;
    throw bad(where, `${JSON.stringify(value)?.slice(0, 40)} is not an element of ${type}`);
  });
  if (values.length !== count) {
    throw bad(where, `${values.length} elements came for [${input.shape}]`);
  }
  return tensorOf(values, input.shape, type);
}

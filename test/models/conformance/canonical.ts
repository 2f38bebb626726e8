import { createHash } from 'node:crypto';
import { type Field, fieldsOf, numbersOf } from './wire.ts';

type Fields = [number: number, fields: Field[]];

/** What `onnx.proto` says of the fields of a message; all others are strings or single numbers. */
interface Message {
  readonly messages?: Readonly<Record<number, string>>;
  /** Repeated numbers by the bytes of one (0: varint): they may be packed or not. */
  readonly numbers?: Readonly<Record<number, 0 | 4 | 8>>;
}

const MESSAGES: Readonly<Record<string, Message>> = {
  Model: {
    messages: { 7: 'Graph', 8: 'OperatorSet', 14: 'Entry', 20: 'Training', 25: 'Function' },
  },
  Graph: {
    messages: {
      1: 'Node',
      5: 'Tensor',
      11: 'Value',
      12: 'Value',
      13: 'Value',
      14: 'Annotation',
      15: 'SparseTensor',
      16: 'Entry',
    },
  },
  Node: { messages: { 5: 'Attribute', 9: 'Entry' } },
  Attribute: {
    messages: {
      5: 'Constant',
      6: 'Graph',
      10: 'Constant',
      11: 'Graph',
      14: 'Type',
      15: 'Type',
      22: 'SparseTensor',
      23: 'SparseTensor',
    },
    numbers: { 7: 4, 8: 0 },
  },
  Function: {
    messages: { 7: 'Node', 9: 'OperatorSet', 11: 'Attribute', 12: 'Value', 14: 'Entry' },
  },
  Training: { messages: { 1: 'Graph', 2: 'Graph', 3: 'Entry', 4: 'Entry' } },
  Value: { messages: { 2: 'Type', 4: 'Entry' } },
  SparseTensor: { messages: { 1: 'Tensor', 2: 'Tensor' }, numbers: { 3: 0 } },
  Type: {
    messages: { 1: 'TensorType', 4: 'Wrapped', 5: 'Map', 8: 'TensorType', 9: 'Wrapped' },
  },
  TensorType: { messages: { 2: 'Shape' } },
  Wrapped: { messages: { 1: 'Type' } },
  Map: { messages: { 2: 'Type' } },
  Shape: { messages: { 1: 'Dimension' } },
  Annotation: { messages: { 2: 'Entry' } },
};

/** Fields of TensorProto that hold elements, by the bytes of one number on the wire. */
const ELEMENTS: Readonly<Record<number, 0 | 4 | 8>> = { 4: 4, 5: 0, 7: 0, 10: 8, 11: 0 };
const TENSOR = { dims: 1, type: 2, int32s: 5, name: 8, raw: 9, uint64s: 11 };
const NODE = { name: 3, op: 4, domain: 7 };
const GRAPH = { initializers: 5, inputs: 11 };
const VALUE = { name: 1 };
/** Bytes of one number of `int32_data` in `raw_data`, by data type; 1 for types of 8 bits and less. */
const WIDTH: Readonly<Record<number, number>> = { 4: 2, 5: 2, 6: 4, 10: 2, 16: 2 };
const UINT32 = 12;

/**
 * A text that two `ModelProto`s share only if they mean the same: fields in the order of their
 * numbers, numbers unpacked, elements of tensors as `raw_data` has them. Left out is what has no
 * meaning: the default domain, names of attributes' tensors, names given to nameless nodes, and what
 * IR version 3 wants and version 4 no longer does: initializers among the inputs of a graph.
 */
export function canonical(bytes: Uint8Array): string {
  return canonicalMessage(bytes, 'Model')
    .join('\n')
    .replace(/^1: 3$/m, '1: 4');
}

function canonicalMessage(bytes: Uint8Array, name: string): string[] {
  if (name === 'Tensor') return canonicalTensor(byNumber(bytes));
  if (name === 'Constant') return canonicalTensor(without(byNumber(bytes), TENSOR.name));
  const { messages = {}, numbers = {} } = MESSAGES[name] ?? {};
  return meant(byNumber(bytes), name).flatMap(([number, fields]) => {
    const size = numbers[number];
    if (size !== undefined) return [`${number}: ${numbersOf(fields, size).join(' ')}`];
    return fields.flatMap((field) => canonicalField(field, messages[number]));
  });
}

function canonicalField({ number, value }: Field, message: string | undefined): string[] {
  if (typeof value === 'bigint') return [`${number}: ${value}`];
  if (message === undefined)
    return [`${number}: ${JSON.stringify(Buffer.from(value).toString('latin1'))}`];
  return [`${number} {`, ...canonicalMessage(value, message).map((line) => `  ${line}`), '}'];
}

function canonicalTensor(fields: readonly Fields[]): string[] {
  const type = Number(fields.find(([number]) => number === TENSOR.type)?.[1][0]?.value ?? 0);
  const elements: Uint8Array[] = [];
  const lines = fields.flatMap(([number, values]) => {
    const size = ELEMENTS[number];
    if (number === TENSOR.dims) return [`dims: ${numbersOf(values, 0).join(' ')}`];
    if (size !== undefined) {
      elements.push(rawBytes(numbersOf(values, size), widthOf(number, size, type)));
      return [];
    }
    if (number === TENSOR.raw) {
      elements.push(...values.flatMap(({ value }) => (value instanceof Uint8Array ? [value] : [])));
      return [];
    }
    return values.flatMap((field) => canonicalField(field, undefined));
  });
  const data = Buffer.concat(elements);
  return [...lines, `data: ${data.length} ${createHash('sha256').update(data).digest('hex')}`];
}

function widthOf(number: number, size: 0 | 4 | 8, type: number): number {
  if (size !== 0) return size;
  if (number === TENSOR.int32s) return WIDTH[type] ?? 1;
  return number === TENSOR.uint64s && type === UINT32 ? 4 : 8;
}

function rawBytes(numbers: readonly bigint[], width: number): Uint8Array {
  const bytes = Buffer.alloc(numbers.length * width);
  numbers.forEach((number, i) => {
    for (let byte = 0; byte < width; byte++) {
      bytes[i * width + byte] = Number((number >> BigInt(byte * 8)) & 255n);
    }
  });
  return bytes;
}

function meant(fields: Fields[], name: string): Fields[] {
  if (name === 'Node') return withoutDefaults(fields);
  return name === 'Graph' ? withoutInitializedInputs(fields) : fields;
}

function withoutDefaults(fields: Fields[]): Fields[] {
  const text = (number: number) => textOf(fields.find(([each]) => each === number)?.[1][0]);
  const name = text(NODE.name);
  const op = text(NODE.op);
  const made = name === '' || new RegExp(`^${op}_\\d+$`).test(name);
  const named = made ? without(fields, NODE.name) : fields;
  return text(NODE.domain) === '' ? without(named, NODE.domain) : named;
}

function without(fields: readonly Fields[], number: number): Fields[] {
  return fields.filter(([each]) => each !== number);
}

function withoutInitializedInputs(fields: Fields[]): Fields[] {
  const nameOf = (message: Field, name: number) =>
    message.value instanceof Uint8Array
      ? textOf([...fieldsOf(message.value)].find(({ number }) => number === name))
      : '';
  const of = (number: number) => fields.find(([each]) => each === number)?.[1] ?? [];
  const initialized = new Set(of(GRAPH.initializers).map((tensor) => nameOf(tensor, TENSOR.name)));
  const rest = of(GRAPH.inputs).filter((input) => !initialized.has(nameOf(input, VALUE.name)));
  return fields.flatMap(([number, values]): Fields[] => {
    if (number !== GRAPH.inputs) return [[number, values]];
    return rest.length === 0 ? [] : [[number, rest]];
  });
}

function textOf(field: Field | undefined): string {
  return field?.value instanceof Uint8Array ? Buffer.from(field.value).toString() : '';
}

function byNumber(bytes: Uint8Array): Fields[] {
  const fields = new Map<number, Field[]>();
  for (const field of fieldsOf(bytes)) {
    const known = fields.get(field.number);
    if (known === undefined) fields.set(field.number, [field]);
    else known.push(field);
  }
  return [...fields].sort(([a], [b]) => a - b);
}

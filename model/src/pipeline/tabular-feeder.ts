import { isNumberElement, roundedTensor } from '../rounding.ts';
import type { Column, FeaturesInput } from '../spec/types.ts';
import type { Tensor, TensorInfo } from '../tensor.ts';
import { checkTensor, tensorError } from '../tensors.ts';
import { type Feeder, isTensor } from './feed.ts';
import { numbersOf, tensorOf } from './numbers.ts';
import { type Cell, createRowEncoder } from './row-encoder.ts';
import { meanOf } from './statistics.ts';

/** Largest JSON row that is read. */
const MAX_JSON_BYTES = 1 << 20;
/** Rows of one tensor, and numbers that they may become: a category becomes thousands. */
const MAX_ROWS = 65_536;
const MAX_VALUES = 2 ** 24;
/** Named features that drift is judged by; further ones would only swell telemetry. */
const MAX_WATCHED = 64;

/**
 * Feeds rows of named values. Takes a JSON object from name to value, or a JSON list in the order of
 * the columns; or a tensor [columns] or [batch, columns], in which a category is its place in the
 * list and a number that is NaN is missing where the column says what stands for that.
 */
export function tabularFeeder(
  info: TensorInfo,
  { columns }: FeaturesInput,
  mismatch: (reason: string) => never,
): Feeder {
  const encoder = createRowEncoder(columns, (column, reason) => {
    throw tensorError(info.name, `${reason} ${column}`);
  });
  const { width } = encoder;
  const declared = info.shape.at(-1) ?? 1;
  if (declared !== -1 && declared !== width) {
    const names = columns.length === width ? '' : `, which become ${width} numbers,`;
    mismatch(`names ${columns.length} features${names} but the model takes [${info.shape}]`);
  }
  const watched = (row: readonly Cell[]): Record<string, number> =>
    Object.fromEntries(
      columns
        .slice(0, MAX_WATCHED)
        .map(({ name }, i) => [`${info.name}.${name}`, encoder.valueOf(i, row[i])]),
    );
  return {
    fromCaller: true,
    async feed(raw) {
      const rows = isTensor(raw)
        ? rowsOf(info.name, columns, width, raw)
        : [jsonRow(info, columns, raw)];
      const values = new Float64Array(rows.length * width);
      for (const [i, row] of rows.entries()) encoder.encode(row, values, i * width);
      const shape = info.shape.length === 1 ? [width] : [rows.length, width];
      return {
        tensor: rowTensor(info, values, shape),
        features: meanOf(rows.map((row) => watched(row))),
      };
    },
  };
}

function rowTensor(info: TensorInfo, values: Float64Array, shape: readonly number[]): Tensor {
  const { name, type } = info;
  if (!type.startsWith('FP') && !values.every(Number.isFinite)) {
    throw tensorError(name, `takes ${type} but holds a number that is not finite`);
  }
  return isNumberElement(type) ? roundedTensor(values, shape, type) : tensorOf(values, shape, type);
}

function rowsOf(name: string, columns: readonly Column[], width: number, tensor: Tensor): Cell[][] {
  checkTensor(name, tensor);
  const values = numbersOf(tensor);
  const batch = values.length / columns.length;
  if (!Number.isInteger(batch) || batch === 0) {
    const reason = `needs rows of ${columns.length} numbers but has ${values.length} in all`;
    throw tensorError(name, reason);
  }
  if (batch > MAX_ROWS || batch * width > MAX_VALUES) {
    throw tensorError(name, `has ${batch} rows, too many at once: send fewer`);
  }
  return Array.from({ length: batch }, (_, i) =>
    columns.map((column, c) => cellOf(column, values[i * columns.length + c]!)),
  );
}

function cellOf(column: Column, value: number): Cell {
  if (column.kind === 'number' || Number.isNaN(value)) return value;
  return column.categories[value] ?? `number ${value}`;
}

function jsonRow(info: TensorInfo, columns: readonly Column[], bytes: Uint8Array): Cell[] {
  const value = parseJson(info.name, bytes);
  if (Array.isArray(value)) {
    if (value.length !== columns.length) {
      throw tensorError(info.name, `needs ${columns.length} values but has ${value.length}`);
    }
    return value.map(finite);
  }
  if (!isRow(value)) throw tensorError(info.name, 'needs a JSON object or list');
  return columns.map(({ name }) => finite(Object.hasOwn(value, name) ? value[name] : undefined));
}

function isRow(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

/** JSON has no infinity, but numbers that are read as one. */
function finite(cell: Cell): Cell {
  return typeof cell === 'number' && !Number.isFinite(cell) ? undefined : cell;
}

function parseJson(name: string, bytes: Uint8Array): unknown {
  if (bytes.length > MAX_JSON_BYTES) {
    throw tensorError(name, `is larger than ${MAX_JSON_BYTES} bytes`);
  }
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw tensorError(name, 'is not JSON');
  }
}

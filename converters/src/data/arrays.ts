import { extname } from 'node:path';
import type { Tensor } from '@flotilla/model';
import { FlotillaError } from '@flotilla/protocol';
import type { DataItem, DataReading, RawSample } from './item.ts';
import { parseNpy, rowOf } from './npy.ts';
import { parseNpz } from './npz.ts';

/** Name of the array of class indices in an `.npz` file. */
const LABELS = 'labels';

/**
 * The sample in one `.npy` or `.npz` file of a folder: the whole array is the model's input, batch
 * dimension and all.
 */
export function arrayItem(path: string, bytes: Uint8Array, reading: DataReading): RawSample {
  const arrays = arraysOf(path, bytes, reading);
  return Object.fromEntries(fedBy(reading).flatMap((name) => pick(arrays, name)));
}

function fedBy({ inputs, optional = [] }: DataReading): readonly string[] {
  return [...inputs, ...optional];
}

/** The samples of one file whose arrays are stacked along the first dimension. */
export function archiveItems(path: string, bytes: Uint8Array, reading: DataReading): DataItem[] {
  const arrays = arraysOf(path, bytes, reading);
  const inputs = fedBy(reading).flatMap((name) => pick(arrays, name));
  const counts = new Set(inputs.map(([, tensor]) => tensor.shape[0] ?? 0));
  const [count = 0] = counts;
  if (counts.size > 1) throw invalid(path, 'its arrays differ in their first dimension');
  const labels = arrays.get(LABELS);
  if (labels !== undefined && labels.data.length !== count) {
    throw invalid(path, `it holds ${count} samples and ${labels.data.length} labels`);
  }
  const classes = reading.labels?.length ?? Number.POSITIVE_INFINITY;
  return Array.from({ length: count }, (_, row) => ({
    name: String(row).padStart(8, '0'),
    where: `${path}, row ${row}`,
    label: labels === undefined ? undefined : classIndexOf(labels, row, classes, path),
    slices: {},
    load: async () =>
      Object.fromEntries(inputs.map(([name, tensor]) => [name, rowOf(tensor, row)])),
  }));
}

function classIndexOf({ data }: Tensor, row: number, classes: number, path: string): number {
  const index = Number(data[row]);
  if (Number.isInteger(index) && index >= 0 && index < classes) return index;
  const known = Number.isFinite(classes) ? ` below ${classes}` : '';
  throw invalid(path, `label ${index} of row ${row} is no class index${known}`);
}

function arraysOf(
  path: string,
  bytes: Uint8Array,
  { inputs }: DataReading,
): ReadonlyMap<string, Tensor> {
  const extension = extname(path).toLowerCase();
  const [first = ''] = inputs;
  if (extension === '.npy') return new Map([[first, parseNpy(bytes, path)]]);
  if (extension !== '.npz') throw invalid(path, 'only .npy and .npz files hold arrays');
  const arrays = parseNpz(bytes, path);
  const missing = inputs.find((name) => !arrays.has(name));
  if (missing !== undefined) throw invalid(path, `it has no array for the input ${missing}`);
  return arrays;
}

function pick(arrays: ReadonlyMap<string, Tensor>, name: string): [string, Tensor][] {
  const tensor = arrays.get(name);
  return tensor === undefined ? [] : [[name, tensor]];
}

function invalid(file: string, reason: string): FlotillaError {
  return new FlotillaError('data.invalid', { file, reason });
}

import type { Dirent } from 'node:fs';
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { FlotillaError } from '@flotilla/protocol';
import { free } from '../free.ts';
import { archiveItems, arrayItem } from './arrays.ts';
import { isBelow, pathInside } from './inside.ts';
import type { DataItem, DataReading, DataSet } from './item.ts';
import { classIndices, type LabelRow, parseLabels } from './labels-csv.ts';

const IMAGES = new Set(['.jpg', '.jpeg', '.png', '.webp', '.gif', '.avif', '.tif', '.tiff']);
const SOUNDS = new Set(['.wav']);
const ARRAYS = new Set(['.npy', '.npz']);
const LABELS = 'labels.csv';
const MAX_FILE = 2 ** 30;
const MAX_LABELS_FILE = 2 ** 26;

/**
 * Reads a data folder (images, sound or `.npy` arrays, with an optional `labels.csv`) or one `.npz` or
 * `.npy` file whose first dimension counts samples. Items are ordered by name.
 *
 * @throws FlotillaError `data.empty` when no sample is left, `data.invalid` naming the file
 */
export async function readData(path: string, reading: DataReading): Promise<DataSet> {
  const kind = await stat(path).catch((cause: unknown) => {
    if (isAbsent(cause)) throw empty(path, 'there is no such folder');
    throw unreadable(path, cause);
  });
  if (kind.isFile()) {
    const items = archiveItems(path, await readLimited(path, MAX_FILE), reading);
    if (items.length === 0) throw empty(path, 'it holds no sample');
    return { path, items, warnings: [] };
  }
  return await readFolder(path, reading);
}

async function readFolder(folder: string, reading: DataReading): Promise<DataSet> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause: unknown) => {
    throw unreadable(folder, cause);
  });
  const present = new Set(
    entries.filter((entry) => isSample(entry, reading)).map(({ name }) => name),
  );
  checkImages(folder, present, reading);
  const warnings: string[] = [];
  const rows = entries.some(({ name }) => name === LABELS)
    ? await readRows(folder, reading, present, warnings)
    : new Map<string, LabelRow>();
  const names = [...new Set([...present, ...rows.keys()])].sort();
  if (names.length === 0)
    throw empty(
      folder,
      reading.encoded === 'sound'
        ? 'it holds no .wav file and no array'
        : 'it holds no image and no array',
    );
  checkImages(folder, names, reading);
  const classes = classIndices(join(folder, LABELS), reading.labels);
  const items = names.map((name) => {
    const row = rows.get(name);
    const label = row === undefined ? undefined : classes.of(row);
    return itemOf(folder, name, label, row?.slices ?? {}, reading);
  });
  const { unknown } = classes;
  if (unknown.size > 0) {
    const some = Array.from(unknown, quote).slice(0, 3).join(', ');
    if (items.every(({ label }) => label === undefined)) {
      throw invalid(join(folder, LABELS), `no label in it is a class of the model: ${some}`);
    }
    warnings.push(`${unknown.size} names in ${LABELS} are no class of the model: ${some}`);
  }
  return { path: folder, items, warnings };
}

/** The rows whose files exist, by name; the others become one warning. */
async function readRows(
  folder: string,
  reading: DataReading,
  present: ReadonlySet<string>,
  warnings: string[],
): Promise<Map<string, LabelRow>> {
  const path = join(folder, LABELS);
  const root = await realpath(folder);
  if (!isBelow(root, await realpath(path))) throw invalid(path, 'it is a link out of its folder');
  const text = new TextDecoder().decode(await readLimited(path, MAX_LABELS_FILE));
  const { rows: all, warnings: found } = parseLabels(text, path, reading.slices ?? []);
  warnings.push(...found);
  const rows = new Map<string, LabelRow>();
  let missing = 0;
  for (const row of all) {
    if (present.has(row.file) || (await existsInside(folder, root, row.file, reading))) {
      rows.set(row.file, row);
    } else missing += 1;
  }
  if (missing > 0) {
    const first = all.find(({ file }) => !rows.has(file))?.file ?? '';
    if (rows.size === 0) {
      throw empty(folder, `no file that ${LABELS} names is there (the first is ${quote(first)})`);
    }
    const count = `${missing} of ${all.length} rows of ${LABELS}`;
    warnings.push(`${count} name no file in ${folder}, for instance ${quote(first)}`);
  }
  return rows;
}

async function existsInside(
  folder: string,
  root: string,
  name: string,
  reading: DataReading,
): Promise<boolean> {
  const path = pathInside(folder, name);
  if (path === undefined || !hasSampleName(name, reading)) return false;
  const real = await realpath(path).catch(() => undefined);
  if (real === undefined || !isBelow(root, real)) return false;
  return (await stat(real)).isFile();
}

function itemOf(
  folder: string,
  name: string,
  label: number | undefined,
  slices: DataItem['slices'],
  reading: DataReading,
): DataItem {
  const path = join(folder, name);
  if (hasExtension(name, ARRAYS)) {
    const load = async () => {
      const bytes = await readLimited(path, MAX_FILE);
      const sample = arrayItem(path, bytes, reading);
      free(bytes);
      return sample;
    };
    return { name, where: path, label, slices, load };
  }
  const input = reading.inputs[0] ?? '';
  return {
    name,
    where: path,
    label,
    slices,
    load: async () => ({ [input]: await readLimited(path, MAX_FILE) }),
  };
}

/** Links are left out: a folder from outside must not reach beyond itself. */
function isSample(entry: Dirent, reading: DataReading): boolean {
  return entry.isFile() && hasSampleName(entry.name, reading);
}

/** Images always count: they are refused by name where the model takes none. */
function hasSampleName(name: string, { encoded }: DataReading): boolean {
  const isSound = encoded === 'sound' && hasExtension(name, SOUNDS);
  return isSound || hasExtension(name, IMAGES) || hasExtension(name, ARRAYS);
}

async function readLimited(path: string, limit: number): Promise<Uint8Array> {
  const info = await stat(path);
  if (!info.isFile()) throw invalid(path, 'it is not a file');
  if (info.size > limit) throw invalid(path, `it is larger than ${limit} B`);
  return await readFile(path).catch((cause: unknown) => {
    throw unreadable(path, cause);
  });
}

function hasExtension(name: string, extensions: ReadonlySet<string>): boolean {
  return extensions.has(extname(name).toLowerCase());
}

/** @throws FlotillaError `data.images` for an image where the model is fed with something else */
function checkImages(
  folder: string,
  names: Iterable<string>,
  { encoded = 'images', inputs }: DataReading,
): void {
  if (encoded === 'images') return;
  const image = [...names].sort().find((name) => hasExtension(name, IMAGES));
  if (image === undefined) return;
  const [input = ''] = inputs;
  const [feeds, files] =
    encoded === 'sound' ? ['sound', '.wav, .npy or .npz'] : ['arrays', '.npy or .npz'];
  throw new FlotillaError('data.images', { file: join(folder, image), input, feeds, files });
}

function quote(text: string): string {
  return JSON.stringify(text.slice(0, 80));
}

function isAbsent(cause: unknown): boolean {
  const code = codeOf(cause);
  return code === 'ENOENT' || code === 'ENOTDIR';
}

function codeOf(cause: unknown): string {
  return cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
}

function unreadable(path: string, cause: unknown): FlotillaError {
  const code = codeOf(cause);
  const reason = code === 'EACCES' ? 'permission denied' : code;
  return new FlotillaError('data.unreadable', { path, reason }, { cause });
}

function invalid(file: string, reason: string): FlotillaError {
  return new FlotillaError('data.invalid', { file, reason });
}

function empty(folder: string, reason: string): FlotillaError {
  return new FlotillaError('data.empty', { folder, reason });
}

import type { ColumnDocument, FeaturesDocument } from './features-schema.ts';
import { type Complain, checkStd, spread } from './numbers.ts';
import type { CategoryColumn, Column, FeaturesInput, NumberColumn } from './types.ts';

/** Numbers that one row may become: categories multiply. */
const MAX_WIDTH = 65_536;

export function normalizeFeatures(
  where: string,
  features: FeaturesDocument,
  complain: Complain,
): FeaturesInput {
  const columns = columnsOf(where, features, complain);
  const names = columns.map(({ name }) => name);
  const key = features.names ? 'names' : 'columns';
  if (new Set(names).size < names.length) complain(`${where}.${key}`, 'must not name one twice');
  const width = columns.reduce((sum, column) => sum + columnWidth(column), 0);
  if (width > MAX_WIDTH) {
    complain(`${where}.columns`, `must become at most ${MAX_WIDTH} numbers, not ${width}`);
  }
  return { kind: 'features', columns };
}

/** Numbers that a value of the column becomes. */
export function columnWidth(column: Column): number {
  if (column.kind === 'number' || column.encode === 'index') return 1;
  const hasOther = column.unknown === 'other' || column.missing === 'other';
  return column.categories.length + (hasOther ? 1 : 0);
}

function columnsOf(where: string, features: FeaturesDocument, complain: Complain): Column[] {
  const { names, columns } = features;
  if (names && columns) complain(`${where}.columns`, 'must not be given beside names');
  if (columns) {
    for (const key of ['mean', 'std'] as const) {
      if (features[key] !== undefined) complain(`${where}.${key}`, 'belongs into each of columns');
    }
    return columns.map((column, i) => columnOf(`${where}.columns.${i}`, column, complain));
  }
  if (!names) return complain(`${where}.names`, 'is missing; give it, or columns');
  const per = (key: 'mean' | 'std', fallback: number) =>
    spread(`${where}.${key}`, features[key], names.length, fallback, complain);
  const mean = per('mean', 0);
  const std = per('std', 1);
  checkStd(`${where}.std`, std, complain);
  return names.map((name, i) => ({
    kind: 'number',
    name,
    mean: mean[i]!,
    std: std[i]!,
    missing: 'refuse',
  }));
}

function columnOf(where: string, column: ColumnDocument, complain: Complain): Column {
  return column.categories
    ? categoryOf(where, column, column.categories, complain)
    : numberOf(where, column, complain);
}

function numberOf(where: string, column: ColumnDocument, complain: Complain): NumberColumn {
  for (const key of ['encode', 'unknown'] as const) {
    if (column[key] !== undefined) complain(`${where}.${key}`, 'is of no use without categories');
  }
  const { name, missing = 'refuse' } = column;
  if (missing === 'zeros' || missing === 'other') {
    return complain(`${where}.missing`, 'must be refuse, nan or a number without categories');
  }
  const [mean, std] = scalingOf(where, column, complain);
  return { kind: 'number', name, mean, std, missing: missing === 'nan' ? Number.NaN : missing };
}

/** (value − min) / (max − min) is the same with mean = min and std = max − min. */
function scalingOf(
  where: string,
  column: ColumnDocument,
  complain: Complain,
): readonly [mean: number, std: number] {
  const { mean, std, min, max } = column;
  if (min === undefined && max === undefined) {
    const [by = 1] = spread(`${where}.std`, std, 1, 1, complain);
    checkStd(`${where}.std`, [by], complain);
    return [spread(`${where}.mean`, mean, 1, 0, complain)[0] ?? 0, by];
  }
  if (mean !== undefined || std !== undefined) {
    complain(`${where}.min`, 'must not be given beside mean or std');
  }
  if (min === undefined || max === undefined) {
    return complain(`${where}.${min === undefined ? 'min' : 'max'}`, 'is missing beside the other');
  }
  const [low = 0] = spread(`${where}.min`, min, 1, 0, complain);
  const [high = 0] = spread(`${where}.max`, max, 1, 0, complain);
  if (!(high > low)) complain(`${where}.max`, `must be above min, ${low}`);
  if (high - low === Infinity) complain(`${where}.max`, 'must not be that far from min');
  return [low, high - low];
}

function categoryOf(
  where: string,
  column: ColumnDocument,
  categories: NonNullable<ColumnDocument['categories']>,
  complain: Complain,
): CategoryColumn {
  for (const key of ['mean', 'std', 'min', 'max'] as const) {
    if (column[key] !== undefined) complain(`${where}.${key}`, 'is of no use beside categories');
  }
  const { name, encode = 'oneHot', unknown = 'refuse', missing = 'refuse' } = column;
  const texts = categories.map((category) => String(category).trim());
  if (texts.includes('')) complain(`${where}.categories`, 'must not name what counts as missing');
  if (new Set(texts).size < texts.length) {
    complain(`${where}.categories`, 'must not name one twice');
  }
  if (missing === 'nan' || typeof missing === 'number') {
    return complain(`${where}.missing`, 'must be refuse, zeros or other beside categories');
  }
  return { kind: 'category', name, categories: texts, encode, unknown, missing };
}

import { FlotillaError } from '@flotilla/protocol';
import { parse } from 'csv-parse/sync';

/** One row of `labels.csv`, checked in form; whether its file exists is not known yet. */
export interface LabelRow {
  readonly file: string;
  /** Class index or class name, as the row gives it; neither where both cells are empty. */
  readonly classIndex: number | undefined;
  readonly label: string | undefined;
  readonly slices: Readonly<Record<string, string>>;
}

export interface Labels {
  readonly rows: readonly LabelRow[];
  /** Columns that were looked for and are not there. */
  readonly warnings: readonly string[];
}

const MAX_ROWS = 1_000_000;
const MAX_RECORD = 65_536;

/**
 * Reads `labels.csv`: a header with `file`, then `class_index` or `label`; further columns are
 * slices when `sliceColumns` names them.
 *
 * @throws FlotillaError `data.invalid` naming the file and the row
 */
export function parseLabels(text: string, path: string, sliceColumns: readonly string[]): Labels {
  const records = parseCsv(text, path);
  const header = records[0] ?? [];
  const columnOf = new Map(header.map((name, index) => [name.trim(), index]));
  const fileColumn = columnOf.get('file');
  if (fileColumn === undefined) {
    const found = JSON.stringify(header.join(',').slice(0, 80));
    throw invalid(path, `its header ${found} has no column "file"`);
  }
  const classColumn = columnOf.get('class_index');
  const labelColumn = columnOf.get('label');
  const rows = records.slice(1).map((cells, index) => ({
    file: cells[fileColumn]?.trim() ?? '',
    classIndex: classIndexOf(cellOf(cells, classColumn), path, index + 2),
    label: cellOf(cells, labelColumn),
    slices: slicesOf(cells, columnOf, sliceColumns),
  }));
  checkTwice(rows, path);
  const absent = sliceColumns.filter((name) => !columnOf.has(name));
  return {
    rows,
    warnings: [
      ...(classColumn === undefined && labelColumn === undefined
        ? [`${path} has no column class_index or label: it gives no sample a class`]
        : []),
      ...absent.map((name) => `${path} has no column ${name}, which evaluation.slices names`),
    ],
  };
}

/** A file may be named again, but not with another class. */
function checkTwice(rows: readonly LabelRow[], path: string): void {
  const first = new Map<string, number>();
  for (const [i, { file, classIndex, label }] of rows.entries()) {
    const known = rows[first.get(file) ?? i]!;
    if (known.classIndex !== classIndex || known.label !== label) {
      const name = JSON.stringify(file.slice(0, 80));
      const [before, now] = [first.get(file)! + 2, i + 2];
      throw invalid(path, `rows ${before} and ${now} give ${name} different classes`);
    }
    if (!first.has(file)) first.set(file, i);
  }
}

function parseCsv(text: string, path: string): string[][] {
  try {
    return parse(text, {
      bom: true,
      skip_empty_lines: true,
      relax_column_count: true,
      max_record_size: MAX_RECORD,
      to: MAX_ROWS,
    });
  } catch (error) {
    throw invalid(path, error instanceof Error ? error.message : String(error));
  }
}

/** Class indices of rows, and the names among them that are no class. */
export interface ClassIndices {
  /** @throws FlotillaError `data.invalid` for an index that the model has no class for */
  of(row: LabelRow): number | undefined;
  readonly unknown: ReadonlySet<string>;
}

/**
 * @param path of the labels file, for messages
 * @param labels the model's classes in order; of two with one name the first is meant
 */
export function classIndices(path: string, labels: readonly string[] | undefined): ClassIndices {
  const byName = new Map(labels?.map((name, index) => [name, index] as const).reverse());
  const count = labels?.length ?? Number.POSITIVE_INFINITY;
  const unknown = new Set<string>();
  return {
    unknown,
    of({ file, classIndex, label }) {
      if (classIndex !== undefined && classIndex >= count) {
        const row = JSON.stringify(file.slice(0, 80));
        const reason = `class_index ${classIndex} of ${row} is none of the model's ${count} classes, which count from 0`;
        throw invalid(path, reason);
      }
      if (classIndex !== undefined || label === undefined) return classIndex;
      const index = byName.get(label);
      if (index === undefined) unknown.add(label);
      return index;
    },
  };
}

function cellOf(cells: readonly string[], column: number | undefined): string | undefined {
  const cell = column === undefined ? undefined : cells[column]?.trim();
  return cell === '' ? undefined : cell;
}

function classIndexOf(cell: string | undefined, path: string, row: number): number | undefined {
  if (cell === undefined) return undefined;
  if (!/^\d{1,7}$/.test(cell)) {
    throw invalid(path, `row ${row}: class_index ${JSON.stringify(cell.slice(0, 40))} is no index`);
  }
  return Number(cell);
}

function slicesOf(
  cells: readonly string[],
  columnOf: ReadonlyMap<string, number>,
  sliceColumns: readonly string[],
): Record<string, string> {
  const slices: Record<string, string> = {};
  for (const name of sliceColumns) {
    const cell = cellOf(cells, columnOf.get(name));
    if (cell !== undefined) slices[name] = cell;
  }
  return slices;
}

function invalid(file: string, reason: string): FlotillaError {
  return new FlotillaError('data.invalid', { file, reason });
}

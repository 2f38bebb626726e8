import { columnWidth } from '../spec/normalize-features.ts';
import type { CategoryColumn, Column, NumberColumn } from '../spec/types.ts';

/** One value of a row as JSON has it. */
export type Cell = unknown;

/** Says what is wrong with the value of a column; never returns. */
export type Refuse = (column: string, reason: string) => never;

export interface RowEncoder {
  /** Numbers of an encoded row. */
  readonly width: number;
  /** The column that each number belongs to. */
  readonly owners: readonly string[];
  /** Writes a row of cells, one per column, from `at` on. */
  encode(cells: readonly Cell[], out: Float64Array, at: number): void;
  /** The value of a column before scaling, a category as its place; NaN where it is missing. */
  valueOf(column: number, cell: Cell): number;
}

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** Scales numbers and encodes categories, in the order of the columns. */
export function createRowEncoder(columns: readonly Column[], refuse: Refuse): RowEncoder {
  const parts = columns.map((column) =>
    column.kind === 'number' ? numberPart(column, refuse) : categoryPart(column, refuse),
  );
  return {
    width: columns.reduce((sum, column) => sum + columnWidth(column), 0),
    owners: ownersOf(columns),
    encode(cells, out, at) {
      let next = at;
      for (const [i, part] of parts.entries()) {
        part.write(cells[i], out, next);
        next += columnWidth(columns[i]!);
      }
    },
    valueOf: (column, cell) => parts[column]!.valueOf(cell),
  };
}

/** The column that each number of an encoded row belongs to. */
export function ownersOf(columns: readonly Column[]): string[] {
  return columns.flatMap((column) => new Array<string>(columnWidth(column)).fill(column.name));
}

interface Part {
  write(cell: Cell, out: Float64Array, at: number): void;
  valueOf(cell: Cell): number;
}

function numberPart({ name, mean, std, missing }: NumberColumn, refuse: Refuse): Part {
  return {
    write(cell, out, at) {
      const value = isMissing(cell) && missing !== 'refuse' ? missing : numberOf(cell);
      if (value === undefined) refuse(name, 'has no number for');
      else out[at] = (value - mean) / std;
    },
    valueOf: (cell) => numberOf(cell) ?? Number.NaN,
  };
}

/** A number, also as a text, as rows of a CSV file have it. */
function numberOf(cell: Cell): number | undefined {
  if (typeof cell === 'number') return cell;
  if (typeof cell !== 'string' || !NUMBER.test(cell.trim())) return undefined;
  const value = Number(cell);
  return Number.isFinite(value) ? value : undefined;
}

function categoryPart(column: CategoryColumn, refuse: Refuse): Part {
  const { name, categories, encode, unknown, missing } = column;
  const places = new Map(categories.map((category, i) => [category, i]));
  const placeOf = (cell: Cell): number => {
    const lacks = isMissing(cell);
    const text = textOf(cell);
    const place = lacks || text === undefined ? undefined : places.get(text);
    if (place !== undefined) return place;
    const policy = lacks ? missing : unknown;
    if (policy === 'other') return categories.length;
    if (policy === 'zeros') return -1;
    if (lacks) return refuse(name, 'has no category for');
    const found = text === undefined ? 'a list or an object, no category,' : unknownText(text);
    return refuse(name, `has ${found} for`);
  };
  return {
    write(cell, out, at) {
      const place = placeOf(cell);
      if (encode === 'index') out[at] = place;
      else if (place >= 0) out[at + place] = 1;
    },
    valueOf: (cell) => (isMissing(cell) ? Number.NaN : placeOf(cell)),
  };
}

function isMissing(cell: Cell): boolean {
  if (typeof cell === 'string') return cell.trim() === '';
  return cell === undefined || cell === null || Number.isNaN(cell);
}

/** As categories are written. A list or an object is none, and would not become a text safely. */
function textOf(cell: Cell): string | undefined {
  if (typeof cell === 'string') return cell.trim();
  return typeof cell === 'number' || typeof cell === 'boolean' ? String(cell) : undefined;
}

function unknownText(text: string): string {
  return `the unknown category ${JSON.stringify(text.slice(0, 60))}`;
}

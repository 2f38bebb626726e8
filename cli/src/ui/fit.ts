/** What decides how narrow a column of a table can be; widths are in characters. */
export interface Column {
  readonly kind: 'text' | 'number' | 'id' | 'digest';
  /** Of the widest cell below the head. */
  readonly cells: number;
  readonly head: number;
  /** Of the longest word in the head, which is not broken. */
  readonly headWord: number;
}

/** A digest cut to this width still tells one blob from another. */
const DIGEST_WIDTH = 16;
/** Narrower than this, text is a ladder of broken words. */
const TEXT_WIDTH = 8;

/** What gives way, in this order: digests are cut, heads broken into lines, and then texts. */
const FLOORS: readonly ((column: Column) => number)[] = [
  (column) => (column.kind === 'digest' ? DIGEST_WIDTH : widest(column)),
  headBroken,
  (column) =>
    column.kind === 'text'
      ? Math.min(headBroken(column), Math.max(column.headWord, TEXT_WIDTH))
      : headBroken(column),
];

const widest = ({ cells, head }: Column): number => Math.max(cells, head);

function headBroken({ kind, cells, headWord }: Column): number {
  return Math.max(headWord, kind === 'digest' ? DIGEST_WIDTH : cells);
}

/** Widths of columns that together take `room` characters at most, where that can be. */
export function fitColumns(columns: readonly Column[], room: number): number[] {
  const widths = columns.map(widest);
  let excess = widths.reduce((sum, width) => sum + width, 0) - room;
  for (const floor of FLOORS) {
    const floors = columns.map(floor);
    while (excess > 0) {
      const at = widestAbove(widths, floors);
      if (at === undefined) break;
      widths[at]! -= 1;
      excess -= 1;
    }
  }
  return widths;
}

/** Of columns of one width the last, so that the first, which names the row, gives way after it. */
function widestAbove(widths: readonly number[], floors: readonly number[]): number | undefined {
  const wider = [...widths.keys()].filter((i) => widths[i]! > floors[i]!);
  return wider.toSorted((a, b) => widths[b]! - widths[a]! || b - a)[0];
}

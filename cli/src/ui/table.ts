import { isId } from '@flotilla/protocol';
import { type Column, fitColumns } from './fit.ts';
import { wrap } from './wrap.ts';

const GAP = '  ';
const NUMBER = /^[-+]?[\d.,]*\s?(%|ms|KB|MB|GB|×|)$/;
const DIGEST = /^sha256:[0-9a-f]{64}$/;

/**
 * A plain table: columns as wide as their widest cell, numbers to the right.
 *
 * @param most characters in a line of the terminal; in a table that is wider, digests are cut and
 * heads and texts broken within their cells; ids, which people copy, stay whole
 */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  most = Number.POSITIVE_INFINITY,
): string {
  const columns = head.map((title, at) =>
    columnOf(
      title,
      rows.map((row) => row[at] ?? ''),
    ),
  );
  const widths = fitColumns(columns, most - GAP.length * (head.length - 1));
  const linesOf = (row: readonly string[]): string[] => {
    const cells = widths.map((to, at) => fitCell(row[at] ?? '', to));
    const height = Math.max(...cells.map((lines) => lines.length));
    return Array.from({ length: height }, (_, i) =>
      cells
        .map((lines, at) => pad(lines[i] ?? '', widths[at]!, columns[at]?.kind === 'number'))
        .join(GAP),
    );
  };
  const rule = widths.map((cells) => '─'.repeat(cells)).join(GAP);
  return [...linesOf(head), rule, ...rows.flatMap(linesOf)]
    .map((text) => text.trimEnd())
    .join('\n');
}

function columnOf(head: string, cells: readonly string[]): Column {
  const of = (texts: readonly string[]): number => Math.max(0, ...texts.map(width));
  const sizes = { cells: of(cells), head: width(head), headWord: of(head.split(' ')) };
  if (cells.every((cell) => NUMBER.test(cell))) return { kind: 'number', ...sizes };
  if (cells.every((cell) => DIGEST.test(cell))) return { kind: 'digest', ...sizes };
  return { kind: cells.every(isId) ? 'id' : 'text', ...sizes };
}

function fitCell(cell: string, to: number): string[] {
  const isCut = DIGEST.test(cell) && width(cell) > to;
  return isCut ? [`${cell.slice(0, to - 1)}…`] : wrap(cell, to);
}

const width = (text: string): number => [...text].length;

function pad(cell: string, to: number, right: boolean): string {
  const gap = ' '.repeat(Math.max(0, to - width(cell)));
  return right ? gap + cell : cell + gap;
}

export const percent = (share: number, digits = 1): string => `${(share * 100).toFixed(digits)} %`;
export const milliseconds = (ms: number): string =>
  `${ms < 0.1 ? ms.toPrecision(2) : ms.toFixed(ms < 10 ? 2 : 1)} ms`;

export function byteCount(bytes: number): string {
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(1)} KB`;
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

/** A plain table: columns as wide as their widest cell, numbers to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => width(row[column] ?? ''))));
  const isNumber = head.map((_, column) =>
    rows.every((row) => /^[-+]?[\d.,]*\s?(%|ms|KB|MB|×|)$/.test(row[column] ?? '')),
  );
  const line = (row: readonly string[]) =>
    row.map((cell, column) => pad(cell, widths[column] ?? 0, isNumber[column] === true)).join('  ');
  const rule = widths.map((cells) => '─'.repeat(cells)).join('  ');
  return [line(head), rule, ...rows.map(line)].map((text) => text.trimEnd()).join('\n');
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

import type { Figure } from './figures.ts';
import type { Row } from './row.ts';

const HEAD = [
  'model',
  'tool',
  'settings',
  'metric',
  'fp32 → int8',
  'lost, won',
  'agreement',
  'KL',
  'ms, fp32 → int8',
  '× fp32',
  's',
  'MB',
] as const;

function cellsOf(row: Row): string[] {
  const { fp32, int8 } = row.latencyMs;
  return [
    row.model,
    row.tool,
    row.settings,
    row.metric,
    `${percent(row.fp32)} → ${percent(row.int8)}`,
    `${row.lost}, ${row.won}`,
    percent(row.agreement),
    row.kl === null ? '–' : row.kl.toPrecision(3),
    `${fp32.toFixed(3)} → ${int8.toFixed(3)}`,
    (int8 / fp32).toFixed(2),
    row.seconds.toFixed(2),
    row.peakMb.toFixed(0),
  ];
}

/** For a terminal: columns of equal width. */
export function textTable(rows: readonly Row[]): string {
  const cells = [[...HEAD], ...rows.map(cellsOf)];
  const widths = HEAD.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)));
  return cells
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

export function markdownTable(rows: readonly Row[]): string {
  const lines = [[...HEAD], HEAD.map(() => '---'), ...rows.map(cellsOf)];
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

export function figureLines(figures: readonly Figure[]): string {
  const missed = figures.filter(({ reached }) => !reached).length;
  const count = `${figures.length - missed} of ${figures.length} figures reached`;
  return [
    count,
    ...figures.map(({ reached, text }) => `- ${reached ? 'reached' : 'NOT reached'}: ${text}`),
  ].join('\n');
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

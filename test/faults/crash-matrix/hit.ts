/** What became of a device that was hit once. */
export interface Hit {
  /** Where it was hit: the row of the table. */
  readonly where: string;
  /** What answered first after the restart: the model from before, the one to come, or none. */
  readonly served: 'old' | 'new' | 'nothing';
  /** From the start of the agent to its first answer. */
  readonly serveMs: number;
  /** Records and outcomes that device or server had acknowledged, and that are gone. */
  readonly lost: number;
}

/** Longest time from a restart to the first answer. */
export const SERVES_WITHIN_MS = 10_000;

interface Row {
  readonly where: string;
  readonly hits: readonly Hit[];
}

function rowsOf(hits: readonly Hit[]): Row[] {
  const rows = new Map<string, Hit[]>();
  for (const hit of hits) {
    const row = rows.get(hit.where);
    if (row === undefined) rows.set(hit.where, [hit]);
    else row.push(hit);
  }
  return [...rows].map(([where, own]) => ({ where, hits: own }));
}

const HEAD = ['hit', 'times', 'old', 'new', 'nothing', 'serves after, median', 'longest', 'lost'];

function cellsOf({ where, hits }: Row): string[] {
  const served = (what: Hit['served']) => String(hits.filter((hit) => hit.served === what).length);
  const times = hits.map(({ serveMs }) => serveMs).sort((a, b) => a - b);
  const lost = hits.reduce((sum, hit) => sum + hit.lost, 0);
  return [
    where,
    String(hits.length),
    served('old'),
    served('new'),
    served('nothing'),
    seconds(times[times.length >> 1] ?? 0),
    seconds(times.at(-1) ?? 0),
    String(lost),
  ];
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(ms < 100 ? 3 : 2)} s`;

/** The matrix for a terminal; a row for each place, in the order in which they were hit. */
export function textTable(hits: readonly Hit[]): string {
  const cells = [HEAD, ...rowsOf(hits).map(cellsOf)];
  const widths = HEAD.map((_, i) => Math.max(...cells.map((row) => row[i]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
      .join('  ');
  const rule = widths.map((width) => '─'.repeat(width)).join('──');
  const [head = HEAD, ...rows] = cells;
  return [line(head), rule, ...rows.map(line)].join('\n');
}

/** The matrix as it stands in docs/crash-matrix.md. */
export function markdownTable(hits: readonly Hit[]): string {
  const line = (row: readonly string[]) => `| ${row.join(' | ')} |`;
  const rows = rowsOf(hits).map((row) => line(cellsOf(row)));
  return [line(HEAD), `|---|${'---:|'.repeat(HEAD.length - 1)}`, ...rows].join('\n');
}

/** Small texts that the views of a rollout share. */

const COUNT = new Intl.NumberFormat('en-US');
export const count = (value: number): string => COUNT.format(value);
export const plural = (value: number, noun: string): string =>
  `${count(value)} ${noun}${value === 1 ? '' : 's'}`;

/** Local time of day. */
export const clock = (ms: number): string => new Date(ms).toLocaleTimeString('en-GB');

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Two units at most: `45 s`, `2 min 5 s`, `3 h 4 min`, `6 d 2 h`. */
export function duration(ms: number): string {
  const span = Math.max(0, Math.round(ms / SECOND) * SECOND);
  if (span < MINUTE) return `${span / SECOND} s`;
  if (span < HOUR) return both(span, [MINUTE, 'min'], [SECOND, 's']);
  if (span < DAY) return both(span, [HOUR, 'h'], [MINUTE, 'min']);
  return both(span, [DAY, 'd'], [HOUR, 'h']);
}

type Unit = readonly [ms: number, name: string];

function both(span: number, [large, name]: Unit, [small, smallName]: Unit): string {
  const rest = Math.floor((span % large) / small);
  return `${Math.floor(span / large)} ${name}${rest === 0 ? '' : ` ${rest} ${smallName}`}`;
}

export const cut = (text: string, columns: number): string =>
  text.length > columns ? `${text.slice(0, Math.max(0, columns - 1))}…` : text;

/** Text that may hold codes of a terminal, and how wide it is drawn. */
export interface Piece {
  readonly text: string;
  readonly width: number;
}

/** Pieces in lines of at most that many columns; a piece that is wider has a line of its own. */
export function flow(pieces: readonly Piece[], columns: number, gap: string): string[] {
  const lines: Piece[] = [];
  for (const piece of pieces) {
    const last = lines.at(-1);
    const width = last === undefined ? columns + 1 : last.width + gap.length + piece.width;
    if (last === undefined || width > columns) lines.push(piece);
    else lines[lines.length - 1] = { text: `${last.text}${gap}${piece.text}`, width };
  }
  return lines.map(({ text }) => text);
}

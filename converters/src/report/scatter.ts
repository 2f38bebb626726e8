import { type Axis, linearAxis, logAxis } from './axis.ts';
import { round } from './bar-chart.ts';
import { type Disc, labelPlaces, type Place } from './label-places.ts';
import { html, type Markup } from './markup.ts';
import { short, tickText } from './numbers.ts';

/** One candidate in the plane of cost and loss. */
export interface Point {
  /** As the table has it. */
  readonly number: number;
  readonly name: string;
  readonly x: number;
  readonly y: number;
  /** Area of the mark, relative to the largest. */
  readonly size: number;
  readonly kind: 'chosen' | 'front' | 'within' | 'outside';
}

interface Mark extends Point {
  readonly disc: Disc;
}

export interface ScatterLabels {
  readonly x: string;
  readonly y: string;
}

const WIDTH = 760;
const HEIGHT = 360;
const LARGEST = 11;
/** Where lines of the grid end. */
const GRID = { left: 72, right: WIDTH - 12, top: 8, bottom: HEIGHT - 48 };
/** Between the ends of the grid and of the axes: a mark on the least value covers no axis. */
const MARGIN = LARGEST + 5;

/**
 * Numbered points with a line through those on the front, over a logarithm of y; left and low is
 * better. The chosen one is drawn over the others.
 */
export function scatter(points: readonly Point[], labels: ScatterLabels): Markup {
  const { left, right, top, bottom } = GRID;
  const ends = { from: left + MARGIN, to: right - MARGIN };
  const x = linearAxis([0, ...points.map((point) => point.x)], ends);
  const heights = points.map((point) => point.y);
  const y = logAxis(heights, { from: bottom - MARGIN, to: top + MARGIN });
  const marks = points.map((point): Mark => ({ ...point, disc: discOf(point, x, y) }));
  const places = labelPlaces(
    marks.map(({ disc }) => disc),
    GRID,
  );
  const last = marks.toSorted((a, b) => Number(a.kind === 'chosen') - Number(b.kind === 'chosen'));
  return html`<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${labels.y} against ${labels.x}">
${columns(x)}${rows(y, Math.min(...heights))}
<text x="${(left + right) / 2}" y="${HEIGHT - 8}" class="tick">${labels.x}</text>
<text transform="translate(14 ${(top + bottom) / 2}) rotate(-90)" class="tick">${labels.y}</text>
<polyline points="${frontLine(marks)}" class="front-line"/>
${last.map(circle)}${marks.map(({ disc }, i) => leader(disc, places[i]))}${marks.map(({ number }, i) => label(number, places[i]))}</svg>`;
}

function discOf({ x, y, size }: Point, across: Axis, up: Axis): Disc {
  return { x: across.at(x), y: up.at(y), radius: Math.max(4, LARGEST * Math.sqrt(size)) };
}

function columns({ ticks, at }: Axis): Markup[] {
  return ticks.map((tick) => {
    const x = round(at(tick));
    return html`<line x1="${x}" x2="${x}" y1="${GRID.top}" y2="${GRID.bottom}" class="grid"/><text x="${x}" y="${GRID.bottom + 16}" class="tick">${tickText(tick)}</text>`;
  });
}

/** The lowest line also holds what is less than its value. */
function rows({ ticks, at }: Axis, least: number): Markup[] {
  return ticks.map((tick, i) => {
    const y = at(tick);
    const sign = i === 0 && least < tick ? '≤ ' : '';
    return html`<line x1="${GRID.left}" x2="${GRID.right}" y1="${round(y)}" y2="${round(y)}" class="grid"/><text x="${GRID.left - 8}" y="${round(y + 4)}" class="name">${sign}${tickText(tick)}</text>`;
  });
}

function frontLine(marks: readonly Mark[]): string {
  return marks
    .filter(({ kind }) => kind === 'front' || kind === 'chosen')
    .toSorted((a, b) => a.x - b.x)
    .map(({ disc }) => `${round(disc.x)},${round(disc.y)}`)
    .join(' ');
}

function circle({ number, name, kind, x, y, disc }: Mark): Markup {
  return html`<circle cx="${round(disc.x)}" cy="${round(disc.y)}" r="${round(disc.radius)}" class="point ${kind}"><title>${number}, ${name}: ${short(x)}, ${short(y)}</title></circle>`;
}

function leader(disc: Disc, place: Place | undefined): Markup | undefined {
  if (!place?.away) return undefined;
  return html`<line x1="${round(disc.x)}" y1="${round(disc.y)}" x2="${round(place.x)}" y2="${round(place.y)}" class="leader"/>`;
}

function label(number: number, place: Place | undefined): Markup | undefined {
  if (place === undefined) return undefined;
  return html`<text x="${round(place.x)}" y="${round(place.y + 4)}" class="number">${number}</text>`;
}

import { linearAxis, logAxis } from './axis.ts';
import { round } from './bar-chart.ts';
import { html, type Markup } from './markup.ts';
import { short } from './numbers.ts';

/** One candidate in the plane of cost and loss. */
export interface Point {
  readonly name: string;
  readonly x: number;
  readonly y: number;
  /** Area of the mark, relative to the largest. */
  readonly size: number;
  readonly kind: 'chosen' | 'front' | 'within' | 'outside';
}

export interface ScatterLabels {
  readonly x: string;
  readonly y: string;
}

const WIDTH = 760;
const HEIGHT = 320;
const LEFT = 64;
const BOTTOM = HEIGHT - 44;
const TOP = 14;
const RIGHT = WIDTH - 20;
const LARGEST = 11;

/**
 * Points with a line through those on the front, over a logarithm of y; left and low is better. The
 * chosen one is drawn over the others.
 */
export function scatter(points: readonly Point[], labels: ScatterLabels): Markup {
  const x = linearAxis([0, ...points.map((point) => point.x)], { from: LEFT, to: RIGHT });
  const y = logAxis(
    points.map((point) => point.y),
    { from: BOTTOM, to: TOP },
  );
  const front = points
    .filter(({ kind }) => kind === 'front' || kind === 'chosen')
    .toSorted((a, b) => a.x - b.x);
  const path = front.map((point) => `${round(x.at(point.x))},${round(y.at(point.y))}`).join(' ');
  const last = points.toSorted((a, b) => Number(a.kind === 'chosen') - Number(b.kind === 'chosen'));
  const marks = last.map((point) => mark(point, x.at(point.x), y.at(point.y)));
  return html`<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${labels.y} against ${labels.x}">
${x.ticks.map((tick) => html`<line x1="${round(x.at(tick))}" x2="${round(x.at(tick))}" y1="${TOP}" y2="${BOTTOM}" class="grid"/><text x="${round(x.at(tick))}" y="${BOTTOM + 16}" class="tick">${short(tick)}</text>`)}
${y.ticks.map((tick) => html`<line x1="${LEFT}" x2="${RIGHT}" y1="${round(y.at(tick))}" y2="${round(y.at(tick))}" class="grid"/><text x="${LEFT - 8}" y="${round(y.at(tick) + 4)}" class="name">${short(tick)}</text>`)}
<text x="${(LEFT + RIGHT) / 2}" y="${HEIGHT - 8}" class="tick">${labels.x}</text>
<text transform="translate(14 ${(TOP + BOTTOM) / 2}) rotate(-90)" class="tick">${labels.y}</text>
<polyline points="${path}" class="front-line"/>${marks}</svg>`;
}

function mark({ name, size, kind, x, y }: Point, left: number, top: number): Markup {
  const radius = Math.max(4, LARGEST * Math.sqrt(size));
  return html`<circle cx="${round(left)}" cy="${round(top)}" r="${round(radius)}" class="point ${kind}"><title>${name}: ${short(x)}, ${short(y)}</title></circle>`;
}

import type { ActivationRange } from '../result.ts';
import { linearAxis } from './axis.ts';
import { round, tail } from './bar-chart.ts';
import { html, type Markup } from './markup.ts';
import { short } from './numbers.ts';

const ROW = 18;
const NAMES = 260;
const WIDTH = 760;
const TOP = 22;
const RIGHT = WIDTH - 10;

/**
 * For each activation a thin line over what calibration saw and a bar over what its integers reach:
 * where the line sticks out, values are cut off. The scale is the signed logarithm, since ranges of
 * one model differ by orders of magnitude.
 */
export function rangeChart(ranges: readonly ActivationRange[]): Markup {
  const values = ranges.flatMap(({ seen, min, max }) => [seen.min, seen.max, min, max]);
  const unit = smallestUseful(ranges);
  const place = (value: number): number =>
    Math.sign(value) * Math.log10(1 + Math.abs(value) / unit);
  const axis = linearAxis([0, ...values.map(place)], { from: NAMES, to: RIGHT });
  const at = (value: number): string => round(axis.at(place(value)));
  const height = TOP + ranges.length * ROW + 6;
  const rows = ranges.map((range, row) => {
    const { value, seen, min, max, scale, zeroPoint, type } = range;
    const y = TOP + row * ROW;
    const width = Math.max(1, axis.at(place(max)) - axis.at(place(min)));
    return html`<g><title>${value}: seen ${short(seen.min)} to ${short(seen.max)}, ${type} reaches ${short(min)} to ${short(max)} (scale ${short(scale)}, zero point ${zeroPoint})</title>
<text x="${NAMES - 8}" y="${y + 12}" class="name">${tail(value)}</text>
<rect x="${at(min)}" y="${y + 3}" width="${round(width)}" height="${ROW - 7}" class="reach"/>
<line x1="${at(seen.min)}" x2="${at(seen.max)}" y1="${y + 8}" y2="${y + 8}" class="seen"/></g>`;
  });
  const ticks = tickValues(values, unit).map(
    (tick) =>
      html`<line x1="${at(tick)}" x2="${at(tick)}" y1="${TOP - 4}" y2="${height}" class="grid"/><text x="${at(tick)}" y="12" class="tick">${short(tick)}</text>`,
  );
  return html`<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="Ranges of the activations">${ticks}${rows}</svg>`;
}

/** The scale is about linear below this. */
function smallestUseful(ranges: readonly ActivationRange[]): number {
  const widths = ranges.map(({ min, max }) => Math.max(Math.abs(min), Math.abs(max)));
  const positive = widths.filter((width) => width > 0 && Number.isFinite(width));
  return positive.length === 0 ? 1 : Math.min(...positive) / 2;
}

/** Zero and powers of ten on either side, a few of them. */
function tickValues(values: readonly number[], unit: number): number[] {
  const low = Math.min(0, ...values.filter(Number.isFinite));
  const high = Math.max(0, ...values.filter(Number.isFinite));
  const powers = (most: number): number[] => {
    if (most < unit) return [];
    const [first, last] = [Math.ceil(Math.log10(unit)), Math.floor(Math.log10(most))];
    const step = Math.max(1, Math.ceil((last - first + 1) / 3));
    const list: number[] = [];
    for (let power = last; power >= first; power -= step) list.push(10 ** power);
    return list;
  };
  return [...powers(-low).map((value) => -value), 0, ...powers(high)];
}

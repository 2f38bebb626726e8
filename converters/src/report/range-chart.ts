import type { ActivationRange } from '../result.ts';
import { type Axis, signedLogAxis } from './axis.ts';
import { round } from './bar-chart.ts';
import { html, type Markup } from './markup.ts';
import { shortened } from './names.ts';
import { short, tickText } from './numbers.ts';

const ROW = 18;
const NAMES = 340;
/** Characters of a name that fit beside the chart. */
const LABEL = 49;
const WIDTH = 920;
const TOP = 40;
/** Leaves room for the figures of a bar that ends there. */
const RIGHT = WIDTH - 130;

/**
 * For each activation a thin line over what calibration saw and a bar over what its integers reach,
 * with the two figures of the bar at its end: where the line sticks out, values are cut off. The
 * scale is the signed logarithm, since ranges of one model differ by orders of magnitude.
 */
export function rangeChart(ranges: readonly ActivationRange[]): Markup {
  const values = ranges.flatMap(({ seen, min, max }) => [seen.min, seen.max, min, max]);
  const sizes = ranges.map(({ min, max }) => Math.max(Math.abs(min), Math.abs(max)));
  const axis = signedLogAxis(values, { from: NAMES + 6, to: RIGHT, sizes });
  const height = TOP + ranges.length * ROW + 6;
  const names = shortened(
    ranges.map(({ value }) => value),
    LABEL,
  );
  const rows = ranges.map((range, i) => rowOf(range, names[i] ?? '', TOP + i * ROW, axis));
  const ticks = axis.ticks.map((tick) => {
    const x = round(axis.at(tick));
    return html`<line x1="${x}" x2="${x}" y1="${TOP - 4}" y2="${height}" class="grid"/><text x="${x}" y="${TOP - 10}" class="tick">${tickText(tick)}</text>`;
  });
  return html`<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="Ranges of the activations">
<text x="${(NAMES + RIGHT) / 2}" y="12" class="tick">value, logarithmic scale</text>${ticks}${rows}</svg>`;
}

function rowOf(range: ActivationRange, name: string, y: number, { at }: Axis): Markup {
  const { value, seen, min, max, scale, zeroPoint, type } = range;
  const width = Math.max(1, at(max) - at(min));
  const end = Math.max(at(max), at(seen.max));
  return html`<g><title>${value}: seen ${short(seen.min)} to ${short(seen.max)}, ${type} reaches ${short(min)} to ${short(max)} (scale ${short(scale)}, zero point ${zeroPoint})</title>
<text x="${NAMES - 8}" y="${y + 12}" class="node">${name}</text>
<rect x="${round(at(min))}" y="${y + 3}" width="${round(width)}" height="${ROW - 7}" class="reach"/>
<line x1="${round(at(seen.min))}" x2="${round(at(seen.max))}" y1="${y + 8}" y2="${y + 8}" class="seen"/>
<text x="${round(end + 6)}" y="${y + 12}" class="figure">${short(min)} to ${short(max)}</text></g>`;
}

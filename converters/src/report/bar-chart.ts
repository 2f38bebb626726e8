import { linearAxis } from './axis.ts';
import { html, type Markup } from './markup.ts';
import { shortened } from './names.ts';
import { short, tickText } from './numbers.ts';

/** One bar; `tone` picks its color. */
export interface Bar {
  readonly name: string;
  readonly value: number;
  readonly tone: 'good' | 'fair' | 'poor' | 'plain';
}

const ROW = 18;
const NAMES = 270;
const WIDTH = 760;
const TOP = 22;
/** Characters of a name that fit beside a chart. */
const LABEL = 38;

/** Horizontal bars from zero, one row each, the figure at the end. */
export function barChart(bars: readonly Bar[], unit: string, label: string): Markup {
  const axis = linearAxis([0, ...bars.map(({ value }) => value)], { from: NAMES, to: WIDTH - 60 });
  const height = TOP + bars.length * ROW + 6;
  const zero = axis.at(0);
  const names = shortened(
    bars.map(({ name }) => name),
    LABEL,
  );
  const rows = bars.map((bar, row) => {
    const y = TOP + row * ROW;
    const x = axis.at(bar.value);
    const text = `${short(bar.value)} ${unit}`;
    return html`<g><title>${bar.name}: ${text}</title>
<text x="${NAMES - 8}" y="${y + 12}" class="node">${names[row] ?? ''}</text>
<rect x="${round(Math.min(x, zero))}" y="${y + 2}" width="${round(Math.abs(x - zero))}" height="${ROW - 5}" class="${bar.tone}"/>
<text x="${round(Math.max(x, zero) + 5)}" y="${y + 12}" class="figure">${text}</text></g>`;
  });
  const grid = axis.ticks.map(
    (
      tick,
    ) => html`<line x1="${round(axis.at(tick))}" x2="${round(axis.at(tick))}" y1="${TOP - 4}" y2="${height}" class="grid"/>
<text x="${round(axis.at(tick))}" y="12" class="tick">${tickText(tick)}</text>`,
  );
  return html`<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${label}">${grid}${rows}</svg>`;
}

export const round = (value: number): string => value.toFixed(1);

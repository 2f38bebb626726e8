import {
  type RolloutProgress,
  STANDINGS,
  type Standing,
  type StandingCounts,
  spread,
} from '@flotilla/fleet-server/progress';
import type { Style } from '../ui/style.ts';
import { count, flow } from './text.ts';

type Wave = RolloutProgress['waves'][number];
type Paper = { readonly columns: number; readonly style: Style };

interface Mark {
  readonly glyph: string;
  readonly title: string;
  readonly tone: keyof Style;
}

/** Below the bars. */
const INDENT = ' '.repeat(9);

/** How a device is drawn in a bar, and called. */
const MARKS: Readonly<Record<Standing, Mark>> = {
  committed: { glyph: '█', title: 'committed', tone: 'good' },
  'in-progress': { glyph: '▓', title: 'in progress', tone: 'busy' },
  sent: { glyph: '▒', title: 'sent', tone: 'busy' },
  pending: { glyph: '░', title: 'pending', tone: 'dim' },
  failed: { glyph: '✕', title: 'failed', tone: 'bad' },
  silent: { glyph: '?', title: 'no answer', tone: 'warn' },
  'rolling-back': { glyph: '◄', title: 'rolling back', tone: 'warn' },
  'rolled-back': { glyph: '↩', title: 'rolled back', tone: 'warn' },
  withdrawn: { glyph: '·', title: 'not asked', tone: 'dim' },
};

const WAVE_STATES: Readonly<Record<Wave['state'], string>> = {
  passed: 'passed',
  open: 'open',
  stopped: 'stopped here',
  waiting: 'waits',
  never: 'never opened',
};

/** A bar for each wave. */
export function waveLines(waves: readonly Wave[], { columns, style }: Paper): string[] {
  const digits = count(Math.max(0, ...waves.map(({ size }) => size))).length;
  const state = Math.max(...waves.map((wave) => WAVE_STATES[wave.state].length), 0);
  const width = Math.max(12, Math.min(60, columns - 14 - digits - state));
  return waves.map((wave) => {
    const name = `wave ${wave.index + 1}`.padEnd(8);
    const size = count(wave.size).padStart(digits);
    const tail = WAVE_STATES[wave.state];
    const bold = wave.state === 'open' ? style.bold : (text: string) => text;
    return `${bold(name)} ${bar(wave.counts, width, style)} ${size}  ${bold(tail)}`;
  });
}

/** @param width at least 12 */
function bar(counts: StandingCounts, width: number, style: Style): string {
  const total = Object.values(counts).reduce((sum, devices) => sum + devices, 0);
  const cells = spread(counts, width);
  // a wave of few devices fills its bar too: each cell is drawn so often
  const cellsOf = (at: number) => cells[Math.floor((at * cells.length) / width)];
  const full = total === 0 ? [] : Array.from({ length: width }, (_, at) => cellsOf(at)!);
  const runs = [...Map.groupBy(full, (standing) => standing)];
  const text = runs.map(([standing, some]) =>
    style[MARKS[standing].tone](MARKS[standing].glyph.repeat(some.length)),
  );
  return text.join('') + ' '.repeat(width - full.length);
}

/** What the marks mean, with how many devices stand so. */
export function legendLines(waves: readonly Wave[], { columns, style }: Paper): string[] {
  const parts = STANDINGS.flatMap((standing) => {
    const devices = waves.reduce((sum, { counts }) => sum + (counts[standing] ?? 0), 0);
    const { glyph, title, tone } = MARKS[standing];
    const text = `${glyph} ${title} ${count(devices)}`;
    return devices === 0 ? [] : [{ text: style[tone](text), width: text.length }];
  });
  return flow(parts, columns - INDENT.length, '   ').map((line) => INDENT + line);
}

import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { useWidth } from './width.ts';

export interface TimeLine {
  readonly label: string;
  /** CSS variable that holds its color. */
  readonly color: string;
  readonly format: (value: number) => string;
  /** Undefined where nothing was measured. */
  readonly values: readonly (number | null)[];
}

interface TimeChartProps {
  readonly title: string;
  /** Wall-clock milliseconds, rising. */
  readonly times: readonly number[];
  readonly lines: readonly TimeLine[];
  /** Top of the axis where the values have a natural one. */
  readonly most?: number;
}

const HEIGHT = 180;
const DARK = '(prefers-color-scheme: dark)';

/** Lines over time, drawn by uPlot, in the colors of the page. */
export function TimeChart({ title, times, lines, most }: TimeChartProps) {
  const { ref, width } = useWidth<HTMLDivElement>(480);
  const chart = useRef<uPlot>(undefined);
  const data = useRef<uPlot.AlignedData>([[]]);
  data.current = [times.map((ms) => ms / 1000), ...lines.map(({ values }) => [...values])];
  const shape = JSON.stringify([title, most, lines.map(({ label, color }) => [label, color])]);
  const latest = useRef({ lines, most });
  latest.current = { lines, most };

  useEffect(() => {
    const place = ref.current;
    if (place === null || shape === '') return undefined;
    const dark = matchMedia(DARK);
    const draw = () => {
      chart.current?.destroy();
      const options = optionsOf(latest.current, place);
      chart.current = new uPlot(options, data.current, place);
    };
    draw();
    dark.addEventListener('change', draw);
    return () => {
      dark.removeEventListener('change', draw);
      chart.current?.destroy();
      chart.current = undefined;
    };
  }, [shape, ref]);
  useEffect(() => chart.current?.setSize({ width: width.value, height: HEIGHT }), [width.value]);
  useEffect(() => chart.current?.setData(data.current));

  return (
    <figure class="chart">
      <figcaption class="legend">
        {lines.map(({ label, color, values, format }) => (
          <span key={label}>
            <i class="swatch" style={{ background: `var(${color})` }} aria-hidden="true" />
            {label} <strong>{lastText(values, format)}</strong>
          </span>
        ))}
      </figcaption>
      <div
        ref={ref}
        class="time-chart"
        style={{ height: `${HEIGHT}px` }}
        role="img"
        aria-label={title}
      />
    </figure>
  );
}

function lastText(values: TimeLine['values'], format: TimeLine['format']): string {
  const last = values.findLast((value) => value !== null);
  return last === undefined || last === null ? '–' : format(last);
}

function optionsOf(
  { lines, most }: Pick<TimeChartProps, 'lines' | 'most'>,
  place: Element,
): uPlot.Options {
  const style = getComputedStyle(place);
  const color = (name: string) => style.getPropertyValue(name).trim();
  const axis = {
    stroke: color('--muted'),
    font: '11px system-ui, sans-serif',
    grid: { stroke: color('--grid'), width: 1 },
    ticks: { stroke: color('--grid'), width: 1, size: 4 },
  };
  const [first] = lines;
  const few = (first?.values.length ?? 0) < 3;
  return {
    width: Math.max(120, place.clientWidth),
    height: HEIGHT,
    legend: { show: false },
    cursor: { drag: { x: false, y: false } },
    scales: { y: { range: (_, __, top) => [0, most ?? Math.max(top * 1.1, 1e-3)] } },
    axes: [
      { ...axis, size: 30, values: (_, splits) => splits.map(timeText) },
      {
        ...axis,
        size: 62,
        values: (_, splits) =>
          splits.map((value) => (value === 0 ? '0' : (first?.format(value) ?? ''))),
      },
    ],
    series: [
      {},
      ...lines.map((line) => ({
        label: line.label,
        stroke: color(line.color),
        width: 1.75,
        points: { show: few, size: 5 },
        spanGaps: true,
      })),
    ],
  };
}

const timeText = (seconds: number): string =>
  new Date(seconds * 1000).toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' });

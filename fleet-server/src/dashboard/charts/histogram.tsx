import { useId } from 'preact/hooks';
import { percent } from '../app/format.ts';
import { labelled, placesOf, shares, ticks } from './scale.ts';
import { useWidth } from './width.ts';

interface HistogramProps {
  /** What is drawn, for those who do not see it. */
  readonly title: string;
  /** Name of the horizontal axis. */
  readonly axis: string;
  /** Inner edges: one fewer than bins. */
  readonly edges: readonly number[];
  /** Counts by bin; empty where there is none. */
  readonly reference: readonly number[];
  readonly observed: readonly number[];
  readonly names?: { readonly reference: string; readonly observed: string };
}

const HEIGHT = 210;
const MARGIN = { top: 8, right: 6, bottom: 40, left: 44 };
const LABEL_WIDTH = 58;
const NAMES = { reference: 'reference', observed: 'observed' };

/**
 * Shares by bin, the reference behind what is observed. Bins are drawn equally wide whatever their
 * edges: those of a reference profile are its quantiles, so that the reference looks level and
 * what moved stands out. The outer bins are open.
 */
export function Histogram(props: HistogramProps) {
  const { title, names = NAMES } = props;
  const { ref, width } = useWidth<HTMLDivElement>(480);
  const id = useId();
  return (
    <figure class="chart">
      <Legend names={names} />
      <div ref={ref} class="plot" style={{ height: `${HEIGHT}px` }}>
        <svg class="histogram" width={width.value} height={HEIGHT} role="img" aria-labelledby={id}>
          <title id={id}>{title}</title>
          <Plot {...props} width={width.value} />
        </svg>
      </div>
    </figure>
  );
}

export function Legend({ names }: { readonly names: Required<HistogramProps>['names'] }) {
  return (
    <p class="legend">
      <span>
        <i class="swatch reference" aria-hidden="true" />
        {names.reference}
      </span>
      <span>
        <i class="swatch observed" aria-hidden="true" />
        {names.observed}
      </span>
    </p>
  );
}

function Plot({
  axis,
  edges,
  reference,
  observed,
  width,
}: HistogramProps & { readonly width: number }) {
  const rows = [shares(reference), shares(observed)] as const;
  const yTicks = ticks(Math.max(...rows[0], ...rows[1], 0.01), 3);
  const top = yTicks.at(-1) ?? 1;
  const [inner, tall] = [width - MARGIN.left - MARGIN.right, HEIGHT - MARGIN.top - MARGIN.bottom];
  const bins = Math.max(reference.length, observed.length, 1);
  const band = inner / bins;
  const places = placesOf(edges);
  const x = (place: number) => MARGIN.left + place * band;
  const y = (share: number) => MARGIN.top + tall * (1 - share / top);
  const bar = (share: number, i: number, part: number, name: string) => (
    <rect
      key={`${name}${i}`}
      class={name}
      x={x(i) + (band * (1 - part)) / 2}
      y={y(share)}
      width={Math.max(1, band * part)}
      height={Math.max(0, tall + MARGIN.top - y(share))}
    />
  );
  return (
    <>
      {yTicks.map((tick) => (
        <g key={tick}>
          <line class="grid" x1={MARGIN.left} x2={width - MARGIN.right} y1={y(tick)} y2={y(tick)} />
          <text class="tick" x={MARGIN.left - 6} y={y(tick) + 3.5} text-anchor="end">
            {percent(tick, top < 0.05 ? 1 : 0)}
          </text>
        </g>
      ))}
      {rows[0].map((share, i) => bar(share, i, 0.94, 'reference'))}
      {rows[1].map((share, i) => bar(share, i, 0.5, 'observed'))}
      <line class="axis" x1={MARGIN.left} x2={width - MARGIN.right} y1={y(0)} y2={y(0)} />
      {labelled(edges.length, Math.floor(inner / LABEL_WIDTH)).map((i) => (
        <g key={i}>
          <line class="axis" x1={x(i + 1)} x2={x(i + 1)} y1={y(0)} y2={y(0) + 4} />
          <text class="tick" x={x(i + 1)} y={y(0) + 16} text-anchor="middle">
            {(edges[i] ?? 0).toFixed(places)}
          </text>
        </g>
      ))}
      <text class="axis-name" x={MARGIN.left + inner / 2} y={HEIGHT - 6} text-anchor="middle">
        {axis}
      </text>
    </>
  );
}

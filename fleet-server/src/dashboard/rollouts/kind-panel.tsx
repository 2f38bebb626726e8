import type { ComponentChildren } from 'preact';
import type { Static } from 'typebox';
import type { RolloutComparison } from '../../http/schemas-comparison.ts';
import { useDashboard, useResource } from '../app/context.ts';
import { count, percent } from '../app/format.ts';
import { type Picture, placeOf } from './evidence.ts';
import { type Progress, said } from './squares.ts';

type Comparison = Static<typeof RolloutComparison>;
type Shadow = NonNullable<Comparison['shadow']>;
type Arms = NonNullable<Comparison['ab']>;
type Estimate = Shadow['latencyRatio'];

const RELOAD_MS = 5000;

/** What a shadow or an A/B rollout shows so far; nothing for an update. */
export function KindPanel({ progress }: { readonly progress: Progress }) {
  const { id, kind } = progress;
  return kind === 'update' ? null : <Compared id={id} kind={kind} />;
}

const TITLES = {
  shadow: 'The shadow beside the active model',
  ab: 'Arm B beside arm A',
} as const;

interface ComparedProps {
  readonly id: string;
  readonly kind: keyof typeof TITLES;
}

function Compared({ id, kind }: ComparedProps) {
  const { api } = useDashboard();
  const { value, trouble } = useResource(() => api.get<Comparison>(`/rollouts/${id}/comparison`), {
    when: ({ topic }) => topic === 'rollout' || topic === 'telemetry',
    intervalMs: RELOAD_MS,
  });
  const comparison = value.value;
  return (
    <section class="card" aria-labelledby="kind-title">
      <h2 id="kind-title">{TITLES[kind]}</h2>
      {comparison === undefined ? (
        <p class="muted">{trouble.value || 'Loading …'}</p>
      ) : (
        <>
          <p class="kind-sentence" data-testid="comparison">
            {said(comparison.sentence)}
          </p>
          {comparison.shadow !== undefined && <ShadowFigures shadow={comparison.shadow} />}
          {comparison.ab !== undefined && <ArmsTable arms={comparison.ab} />}
        </>
      )}
    </section>
  );
}

function ShadowFigures({ shadow }: { readonly shadow: Shadow }) {
  const { compared, agreement, skipped, devices, latencyRatio, confidenceChange } = shadow;
  return (
    <div class="columns">
      <table class="plain">
        <tbody>
          <Figure name="Agreement" text={compared === 0 ? '–' : percent(agreement, 2)} />
          <Figure name="Inferences by both" text={count(compared)} />
          <Figure name="Left out for time or heat" text={count(skipped)} />
          <Figure name="Devices" text={count(devices)} />
          <Figure name="Run time, ratio" text={written(latencyRatio)}>
            <Interval name="Run time, ratio" estimate={latencyRatio} same={1} />
          </Figure>
          <Figure name="Change of confidence" text={written(confidenceChange)}>
            <Interval name="Change of confidence" estimate={confidenceChange} same={0} />
          </Figure>
        </tbody>
      </table>
      <Disagreements shadow={shadow} />
    </div>
  );
}

interface FigureProps {
  readonly name: string;
  readonly text: string;
  readonly children?: ComponentChildren;
}

function Figure({ name, text, children }: FigureProps) {
  return (
    <tr>
      <th scope="row">{name}</th>
      <td>
        {text}
        {children}
      </td>
    </tr>
  );
}

/** Classes of which a matrix has a row and a column of their own. */
const CLASSES = 12;

/** The disagreement matrix: rows are what the active model says, columns what the shadow says. */
function Disagreements({ shadow: { disagreements } }: { readonly shadow: Shadow }) {
  if (disagreements.length === 0) return <p class="muted">No disagreement yet.</p>;
  const most = Math.max(...disagreements.map((pair) => pair.count));
  const classes = [...new Set(disagreements.flatMap(({ active, shadow }) => [active, shadow]))]
    .slice(0, CLASSES)
    .sort((a, b) => a - b);
  const of = (active: number, shadow: number) =>
    disagreements.find((pair) => pair.active === active && pair.shadow === shadow)?.count ?? 0;
  return (
    <table class="plain matrix">
      <caption class="muted small">
        Disagreements: a row is what the active model says, a column what the shadow says
      </caption>
      <thead>
        <tr>
          <th scope="col">class</th>
          {classes.map((index) => (
            <th key={index} scope="col">
              {index}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {classes.map((active) => (
          <tr key={active}>
            <th scope="row">{active}</th>
            {classes.map((shadow) => (
              <td key={shadow} style={shadeOf(of(active, shadow) / most)}>
                {of(active, shadow) === 0 ? '' : count(of(active, shadow))}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const shadeOf = (share: number) =>
  share === 0
    ? {}
    : { background: `color-mix(in srgb, var(--bad) ${Math.round(12 + 40 * share)}%, transparent)` };

const METRICS = {
  latency: 'Latency, ms',
  errors: 'Errors, share',
  confidence: 'Confidence',
  accuracy: 'Accuracy, share',
  'class-mix': 'Class mix, distance',
} as const satisfies Record<Arms['metrics'][number]['metric'], string>;

function ArmsTable({ arms: { metrics } }: { readonly arms: Arms }) {
  if (metrics.length === 0) return null;
  return (
    <table class="plain arms">
      <thead>
        <tr>
          <th scope="col">Metric</th>
          <th scope="col">A keeps its version</th>
          <th scope="col">B has the new one</th>
          <th scope="col">Difference</th>
          <th scope="col">Devices</th>
        </tr>
      </thead>
      <tbody>
        {metrics.map(({ metric, a, b, difference, devices }) => (
          <tr key={metric}>
            <th scope="row">{METRICS[metric]}</th>
            <td>{digits(a)}</td>
            <td>{digits(b)}</td>
            <td>
              {written(difference)}
              <Interval name={METRICS[metric]} estimate={difference} same={0} />
            </td>
            <td>{`${count(devices.a)} and ${count(devices.b)}`}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

interface IntervalProps {
  readonly name: string;
  readonly estimate: Estimate;
  /** What it is where both are alike. */
  readonly same: number;
}

/** An estimate with its interval around the line of no difference. */
function Interval({ name, estimate, same }: IntervalProps) {
  const { value, low, high } = estimate;
  if (low === undefined || high === undefined) return null;
  const half = 1.1 * Math.max(Math.abs(low - same), Math.abs(high - same), 1e-9);
  const axis: Picture = { value, low, high, limit: same, from: same - half, to: same + half };
  const at = (number: number) => 100 * placeOf(axis, number);
  const apart = low > same || high < same;
  return (
    <span
      class={apart ? 'axis apart' : 'axis'}
      role="img"
      aria-label={`${name}: ${digits(value)} (${digits(low)} to ${digits(high)})`}
    >
      <span class="axis-zero" style={{ left: `${at(same)}%` }} />
      <span
        class="axis-interval"
        style={{ left: `${at(low)}%`, width: `${at(high) - at(low)}%` }}
      />
      <span class="axis-value" style={{ left: `${at(value)}%` }} />
    </span>
  );
}

const digits = (value: number): string => `${Number(value.toPrecision(3))}`;

const written = ({ value, low, high }: Estimate): string =>
  low === undefined || high === undefined
    ? `${digits(value)}, too few devices for an interval`
    : `${digits(value)} (${digits(low)} to ${digits(high)})`;

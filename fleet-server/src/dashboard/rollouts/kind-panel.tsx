import type { ComponentChildren } from 'preact';
import { signed, times } from '../../rollouts/progress/written.ts';
import { useDashboard, useResource } from '../app/context.ts';
import { count, percent } from '../app/format.ts';
import { ArmsTable } from './arms-table.tsx';
import { type Comparison, Interval, written } from './interval.tsx';
import { type Progress, said } from './squares.ts';

type Shadow = NonNullable<Comparison['shadow']>;

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
          <Figure name="Run time over that of the active model" text={written(latencyRatio, times)}>
            <Interval name="Run time" estimate={latencyRatio} write={times} same={1} />
          </Figure>
          <Figure name="Change of confidence" text={written(confidenceChange, signed)}>
            <Interval
              name="Change of confidence"
              estimate={confidenceChange}
              write={signed}
              same={0}
            />
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
function Disagreements({ shadow: { disagreements, labels } }: { readonly shadow: Shadow }) {
  if (disagreements.length === 0) return <p class="muted">No disagreement yet.</p>;
  const most = Math.max(...disagreements.map((pair) => pair.count));
  const classes = [...new Set(disagreements.flatMap(({ active, shadow }) => [active, shadow]))]
    .slice(0, CLASSES)
    .sort((a, b) => a - b);
  const of = (active: number, shadow: number) =>
    disagreements.find((pair) => pair.active === active && pair.shadow === shadow)?.count ?? 0;
  return (
    <div class="matrix-frame">
      <h3 id="matrix-title">Disagreements, in inferences</h3>
      <p class="muted small">A row is what the active model says, a column what the shadow says.</p>
      <table class="plain matrix" aria-labelledby="matrix-title">
        <thead>
          <tr>
            <td />
            {classes.map((index) => (
              <th key={index} scope="col">
                <bdi>{labels[index] ?? index}</bdi>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {classes.map((active) => (
            <tr key={active}>
              <th scope="row">
                <bdi>{labels[active] ?? active}</bdi>
              </th>
              {classes.map((shadow) => (
                <td key={shadow} style={shadeOf(of(active, shadow) / most)}>
                  {of(active, shadow) === 0 ? '' : count(of(active, shadow))}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const shadeOf = (share: number) =>
  share === 0
    ? {}
    : { background: `color-mix(in srgb, var(--bad) ${Math.round(12 + 40 * share)}%, transparent)` };

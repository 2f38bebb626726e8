import { useDashboard, useResource } from '../app/context.ts';
import { Fold } from '../app/fold.tsx';
import { plural } from '../app/format.ts';
import { ClassBars } from '../charts/class-bars.tsx';
import { Histogram } from '../charts/histogram.tsx';
import type { Predictions } from '../data/schemas.ts';

const NAMES = { reference: 'evaluation data', observed: 'last hour' };

/** What each version predicts beside what it predicted on its evaluation data. */
export function PredictionsSection({ device = '' }: { readonly device?: string }) {
  const { api } = useDashboard();
  const query = device === '' ? '' : `?device=${device}`;
  const { value } = useResource(
    () => api.get<{ items: Predictions[] }>(`/overview/predictions${query}`),
    {
      when: ({ topic, id }) => topic === 'telemetry' && (device === '' || id === device),
      intervalMs: 4000,
    },
  );
  const items = value.value?.items ?? [];
  if (items.length === 0) return null;
  return (
    <section aria-labelledby="predictions-title">
      <h2 id="predictions-title" class="section-title">
        What the models predict
      </h2>
      <p class="muted small section-note">
        Class mix and confidence need no labels, and so cannot see a change in what a class means.
      </p>
      {items
        .toSorted((a, b) => b.inferences - a.inferences)
        .map((item, i) => (
          <PredictionsCard key={`${item.model}@${item.version}`} item={item} open={i === 0} />
        ))}
    </section>
  );
}

interface PredictionsCardProps {
  readonly item: Predictions;
  readonly open: boolean;
}

function PredictionsCard({ item, open }: PredictionsCardProps) {
  const { model, version, inferences } = item;
  const summary = (
    <>
      <span class="mono">
        <bdi>{model}</bdi>@{version}
      </span>{' '}
      <span class="muted small">{plural(inferences, 'inference')} in the last hour</span>
    </>
  );
  return (
    <Fold class="card predictions" open={open} summary={summary}>
      {() => <PredictionsPictures item={item} />}
    </Fold>
  );
}

function PredictionsPictures({ item }: { readonly item: Predictions }) {
  const { model, version, labels, classes, confidence } = item;
  const bins = Math.max(confidence.observed.length, confidence.reference.length, 1);
  const edges = Array.from({ length: bins - 1 }, (_, i) => (i + 1) / bins);
  return (
    <div class="columns">
      <ClassBars
        title={`Class mix of ${model}@${version}`}
        labels={labels}
        reference={classes.reference}
        observed={classes.observed}
        names={NAMES}
      />
      <Histogram
        title={`Confidence of ${model}@${version}: evaluation data and last hour`}
        axis="confidence"
        edges={edges}
        reference={confidence.reference}
        observed={confidence.observed}
        names={NAMES}
      />
    </div>
  );
}

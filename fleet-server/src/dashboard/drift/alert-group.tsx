import { useDashboard } from '../app/context.ts';
import { Fold } from '../app/fold.tsx';
import { ago, count, plural } from '../app/format.ts';
import { hrefOf } from '../app/route.ts';
import { Histogram } from '../charts/histogram.tsx';
import { Level } from '../charts/level.tsx';
import { said } from '../rollouts/squares.ts';
import type { AlertGroup, DriftAlert } from './groups.ts';

/** Alerts of a version on one device or over the fleet; the worst feature is unfolded. */
export function AlertGroupCard({ group }: { readonly group: AlertGroup }) {
  const [first, ...others] = group.alerts;
  return (
    <section class="card alert-group" aria-label={`Drift ${whereOf(first)}`}>
      <header class="alert-group-head">
        <h2>
          {first.scope === 'fleet' ? (
            'Whole fleet'
          ) : (
            <a href={hrefOf({ page: 'device', id: first.device })}>
              <bdi>{first.deviceName || first.device}</bdi>
            </a>
          )}
        </h2>
        <span class={`tag ${first.scope}`}>{first.scope}</span>
        <span class="mono muted">
          <bdi>{first.model}</bdi>@{first.version}
        </span>
        <span class="muted small">{plural(group.alerts.length, 'feature')}</span>
      </header>
      <AlertFold alert={first} open />
      {others.map((alert) => (
        <AlertFold key={alert.id} alert={alert} />
      ))}
    </section>
  );
}

const whereOf = ({ scope, deviceName, device }: DriftAlert): string =>
  scope === 'fleet' ? 'over the fleet' : `on ${deviceName || device}`;

interface AlertFoldProps {
  readonly alert: DriftAlert;
  readonly open?: boolean;
}

function AlertFold({ alert, open = false }: AlertFoldProps) {
  return (
    <Fold class="alert" open={open} summary={<AlertSummary alert={alert} />}>
      {() => (
        <>
          <p class="alert-sentence">{said(alert.sentence)}</p>
          <AlertPicture alert={alert} />
        </>
      )}
    </Fold>
  );
}

function AlertSummary({ alert }: { readonly alert: DriftAlert }) {
  const { now } = useDashboard();
  const { feature, statistic, threshold, sinceMs, closedMs } = alert;
  const since =
    closedMs === 0 ? `since ${ago(sinceMs, now.value)}` : `closed ${ago(closedMs, now.value)}`;
  return (
    <>
      <span class="mono alert-feature">
        <bdi>{feature}</bdi>
      </span>
      <Level name="PSI" value={statistic} limit={threshold} />
      <span class="muted small alert-since">{since}</span>
    </>
  );
}

function AlertPicture({ alert: { feature, data } }: { readonly alert: DriftAlert }) {
  const total = (counts: readonly number[]) => count(counts.reduce((sum, one) => sum + one, 0));
  return (
    <Histogram
      title={`Distribution of ${feature}: reference and last window`}
      axis={feature}
      {...data}
      names={{
        reference: `reference, ${total(data.reference)} samples`,
        observed: `last window, ${total(data.observed)} inferences`,
      }}
    />
  );
}

import { useSignal } from '@preact/signals';
import { useDashboard, useResource } from '../app/context.ts';
import { plural } from '../app/format.ts';
import { AlertGroupCard } from './alert-group.tsx';
import { type DriftAlert, groupAlerts } from './groups.ts';
import { PredictionsSection } from './predictions.tsx';

const STATES = ['open', 'closed'] as const;
type State = (typeof STATES)[number];

/** Drift alerts with the distributions behind them, and what the models predict. */
export function DriftPage() {
  const state = useSignal<State>('open');
  return (
    <>
      <header class="head">
        <h1>Drift</h1>
        <fieldset class="segments">
          <legend class="hidden">Which alerts</legend>
          {STATES.map((name) => (
            <label key={name}>
              <input
                type="radio"
                name="state"
                checked={state.value === name}
                onChange={() => {
                  state.value = name;
                }}
              />
              <span>{name}</span>
            </label>
          ))}
        </fieldset>
      </header>
      <Alerts key={state.value} state={state.value} />
      <PredictionsSection />
    </>
  );
}

function Alerts({ state }: { readonly state: State }) {
  const { api } = useDashboard();
  const { value, trouble } = useResource(
    () => api.get<{ items: DriftAlert[] }>(`/drift?state=${state}&limit=200`),
    { when: ({ topic }) => topic === 'drift' || topic === 'alert', intervalMs: 1500 },
  );
  const alerts = value.value?.items;
  if (alerts === undefined) {
    return <p class="card placeholder muted">{trouble.value || 'Loading alerts …'}</p>;
  }
  const groups = groupAlerts(alerts);
  if (groups.length === 0) return <NoAlerts state={state} />;
  return (
    <>
      <p class="muted" role="status">
        {`${plural(alerts.length, `${state} alert`)} in ${plural(groups.length, 'place')}.`}
      </p>
      <div class="alert-groups">
        {groups.map((group) => (
          <AlertGroupCard key={group.key} group={group} />
        ))}
      </div>
    </>
  );
}

function NoAlerts({ state }: { readonly state: State }) {
  return (
    <section class="card empty" aria-label="No alerts">
      <h2>{state === 'open' ? 'No open drift alerts' : 'No closed drift alerts'}</h2>
      <p class="muted">
        {state === 'open'
          ? 'Inputs look like the data that the models were evaluated on, as far as telemetry tells.'
          : 'An alert closes when the last windows look like the reference again.'}
      </p>
    </section>
  );
}

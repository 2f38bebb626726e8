import { useDashboard, useResource } from '../app/context.ts';
import { ago, plural } from '../app/format.ts';
import { hrefOf } from '../app/route.ts';
import type { Comparison } from '../data/schemas.ts';
import { Actions } from './actions.tsx';
import { ComparisonView } from './comparison-view.tsx';
import { Gates } from './gates.tsx';
import { Members } from './members.tsx';
import { type Rollout, said } from './squares.ts';
import { StatePill } from './state-pill.tsx';
import { Timeline } from './timeline.tsx';
import { Waves } from './waves.tsx';

/** One rollout as it goes: waves, gates, both versions side by side, what happened. */
export function RolloutPage({ id }: { readonly id: string }) {
  const { api } = useDashboard();
  const { value, trouble } = useResource(() => api.get<Rollout>(`/rollouts/${id}`), {
    when: (change) => change.topic === 'rollout' && change.id === id,
  });
  const rollout = value.value;
  if (rollout === undefined) {
    return <p class="card placeholder muted">{trouble.value || 'Loading rollout …'}</p>;
  }
  return (
    <>
      <Head rollout={rollout} />
      <section class="card" aria-labelledby="waves-title">
        <h2 id="waves-title">Waves</h2>
        <Waves rollout={rollout} />
      </section>
      <div class="columns">
        <section class="card" aria-labelledby="gates-title">
          <h2 id="gates-title">Gates</h2>
          <Gates rollout={rollout} />
        </section>
        <section class="card" aria-labelledby="timeline-title">
          <h2 id="timeline-title">What happened</h2>
          <Timeline events={rollout.events} />
        </section>
      </div>
      <Compared id={id} rollout={rollout} />
      <Members rollout={rollout} />
    </>
  );
}

function Head({ rollout }: { readonly rollout: Rollout }) {
  const { now } = useDashboard();
  const { model, version, state, sentence, sizes, selector, createdMs } = rollout;
  const stopped = state === 'halted' || state === 'rolled-back';
  return (
    <>
      <header class="head">
        <div>
          <p class="crumb">
            <a href={hrefOf({ page: 'rollouts' })}>Rollouts</a>
          </p>
          <h1>
            <span class="mono">
              <bdi>{model}</bdi>@{version}
            </span>{' '}
            <StatePill state={state} />
          </h1>
          <p class="muted">
            to {plural(sizes.at(-1) ?? 0, 'device')}
            {selector !== 'all' && (
              <>
                {' where '}
                <span class="mono">{selector}</span>
              </>
            )}
            {`, made ${ago(createdMs, now.value)}`}
          </p>
        </div>
        <Actions rollout={rollout} />
      </header>
      {sentence !== '' && (
        <p class={`banner inset ${stopped ? 'bad' : 'info'}`} role="status" data-testid="sentence">
          {haltText(rollout)}
        </p>
      )}
    </>
  );
}

/** Why it is in its state, with the gate that stopped it. */
function haltText({ haltedBy, sentence, verdicts }: Rollout): string {
  const gate = verdicts.find((verdict) => verdict.gate === haltedBy);
  return gate === undefined ? said(sentence) : `Stopped by a gate. ${said(sentence)}.`;
}

/** New against previous version; loaded apart, since it is the costlier part. */
function Compared({ id, rollout }: { readonly id: string; readonly rollout: Rollout }) {
  const { api } = useDashboard();
  const devices = new Set(rollout.devices.map(({ device }) => device));
  const { value } = useResource(() => api.get<Comparison>(`/overview/rollouts/${id}/comparison`), {
    when: ({ topic, id: subject }) =>
      (topic === 'rollout' && subject === id) || (topic === 'telemetry' && devices.has(subject)),
    intervalMs: 2000,
  });
  return (
    <section
      class={rollout.haltedBy === '' ? 'card' : 'card alarm'}
      aria-labelledby="compared-title"
    >
      <h2 id="compared-title">Against the previous version, on the same devices</h2>
      {value.value === undefined ? (
        <p class="muted">Loading …</p>
      ) : (
        <ComparisonView comparison={value.value} />
      )}
    </section>
  );
}

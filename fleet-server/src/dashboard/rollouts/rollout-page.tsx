import { useDashboard, useResource } from '../app/context.ts';
import { ago, count, duration, plural } from '../app/format.ts';
import { hrefOf } from '../app/route.ts';
import type { Comparison } from '../data/schemas.ts';
import { Actions } from './actions.tsx';
import { ComparisonView } from './comparison-view.tsx';
import { Gates } from './gates.tsx';
import { KindPanel } from './kind-panel.tsx';
import { Members } from './members.tsx';
import { type Progress, said, sumOf } from './squares.ts';
import { StatePill } from './state-pill.tsx';
import { Strata } from './strata.tsx';
import { Timeline } from './timeline.tsx';
import { Waves } from './waves.tsx';

/** One rollout as it goes: waves, gates, both versions side by side, what happened. */
export function RolloutPage({ id }: { readonly id: string }) {
  const { api } = useDashboard();
  const { value, trouble } = useResource(() => api.get<Progress>(`/rollouts/${id}/progress`), {
    when: (change) => change.topic === 'rollout' && change.id === id,
  });
  const progress = value.value;
  if (progress === undefined) {
    return <p class="card placeholder muted">{trouble.value || 'Loading rollout …'}</p>;
  }
  return (
    <>
      <Head progress={progress} />
      <section class="card" aria-labelledby="waves-title">
        <h2 id="waves-title">Waves</h2>
        <Facts progress={progress} />
        <Waves progress={progress} />
        <Strata progress={progress} />
      </section>
      <div class="columns">
        <section class="card" aria-labelledby="gates-title">
          <h2 id="gates-title">Gates</h2>
          <Gates verdicts={progress.verdicts} />
        </section>
        <section class="card" aria-labelledby="timeline-title">
          <h2 id="timeline-title">What happened</h2>
          <Timeline events={progress.events} />
        </section>
      </div>
      <KindPanel progress={progress} />
      {progress.kind !== 'shadow' && <Compared progress={progress} />}
      <Members progress={progress} />
    </>
  );
}

function Head({ progress }: { readonly progress: Progress }) {
  const { now } = useDashboard();
  const { model, version, state, sentence, waves, selector, createdMs, kind, parent } = progress;
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
            {KINDS[kind]} {plural(waves.at(-1)?.reaches ?? 0, 'device')}
            {selector !== 'all' && (
              <>
                {' where '}
                <span class="mono">{selector}</span>
              </>
            )}
            {`, made ${ago(createdMs, now.value)}`}
            {parent !== '' && (
              <>
                {', after '}
                <a href={hrefOf({ page: 'rollout', id: parent })}>its shadow</a>
              </>
            )}
          </p>
        </div>
        <Actions progress={progress} />
      </header>
      {sentence !== '' && (
        <p class={`banner inset ${stopped ? 'bad' : 'info'}`} role="status" data-testid="sentence">
          {haltText(progress)}
        </p>
      )}
    </>
  );
}

const KINDS = {
  update: 'to',
  shadow: 'as a shadow to',
  ab: 'as arm B to',
} as const satisfies Record<Progress['kind'], string>;

/** Why it is in its state, with the gate that stopped it. */
function haltText({ haltedBy, sentence, verdicts }: Progress): string {
  const gate = verdicts.find((verdict) => verdict.gate === haltedBy);
  return gate === undefined ? said(sentence) : `Stopped by a gate. ${said(sentence)}.`;
}

/** What it waits for, how fast it goes, and how long a halt took. */
function Facts({ progress }: { readonly progress: Progress }) {
  const { waitsFor, waves, inFlight, away, takenLastMinute, perMinute } = progress;
  const { firstFailureMs, haltedMs } = progress;
  const left = useTimeLeft(waitsFor.untilMs);
  const facts: [string, string][] = [
    ['committed', count(sumOf(waves, 'committed'))],
    ['in flight', count(inFlight)],
    ['committed in the last minute', count(takenLastMinute)],
  ];
  if (perMinute > 0) facts.push(['at most, per minute', count(Math.round(perMinute))]);
  if (away > 0) facts.push(['on their way, not connected', count(away)]);
  if (firstFailureMs > 0 && haltedMs >= firstFailureMs) {
    facts.push([
      'from the first failure to the halt',
      haltedMs - firstFailureMs < 1000 ? 'under 1 s' : duration(haltedMs - firstFailureMs),
    ]);
  }
  return (
    <>
      {waitsFor.what !== 'nothing' && (
        <p class="waits" data-testid="waits" data-waits={waitsFor.what}>
          <span class="muted">Waits for</span> {waitsFor.sentence}
          {left}
        </p>
      )}
      <dl class="facts">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dd>{value}</dd>
            <dt class="muted small">{name}</dt>
          </div>
        ))}
      </dl>
    </>
  );
}

function useTimeLeft(untilMs: number): string {
  const { now } = useDashboard();
  const left = untilMs - now.value;
  return left > 0 ? `, at most ${duration(left)} more` : '';
}

/** Comparing every device costs the server more, the more of them there are. */
const COMPARED_MS = 2000;
const MANY_COMPARED_MS = 20_000;
const MANY = 200;

/** New against previous version; loaded apart, since it is the costlier part. */
function Compared({ progress: { id, asked, haltedBy } }: { readonly progress: Progress }) {
  const { api } = useDashboard();
  const { value } = useResource(() => api.get<Comparison>(`/overview/rollouts/${id}/comparison`), {
    when: ({ topic, id: subject }) =>
      (topic === 'rollout' && subject === id) || topic === 'telemetry',
    intervalMs: asked > MANY ? MANY_COMPARED_MS : COMPARED_MS,
  });
  return (
    <section class={haltedBy === '' ? 'card' : 'card alarm'} aria-labelledby="compared-title">
      <h2 id="compared-title">Against the previous version, on the same devices</h2>
      {value.value === undefined ? (
        <p class="muted">Loading …</p>
      ) : (
        <ComparisonView comparison={value.value} />
      )}
    </section>
  );
}

import type { Static } from 'typebox';
import type { RolloutSummary } from '../../http/schemas-rollouts.ts';
import { useDashboard, useResource } from '../app/context.ts';
import { ago, plural } from '../app/format.ts';
import { hrefOf } from '../app/route.ts';
import { said } from './squares.ts';
import { StatePill } from './state-pill.tsx';

type Summary = Static<typeof RolloutSummary>;

/** Rollouts that are listed; older ones are asked for on the command line. */
const SHOWN = 100;

/** Every rollout, newest first. */
export function RolloutsPage() {
  const { api, mayOperate } = useDashboard();
  const { value, trouble } = useResource(
    () => api.get<{ items: Summary[] }>(`/rollouts?limit=${SHOWN}`),
    { when: ({ topic }) => topic === 'rollout' },
  );
  const items = value.value?.items;
  return (
    <>
      <header class="head">
        <h1>Rollouts</h1>
        {mayOperate.value && (
          <a class="button primary" href={hrefOf({ page: 'new-rollout' })}>
            New rollout
          </a>
        )}
      </header>
      {items === undefined ? (
        <p class="card placeholder muted">{trouble.value || 'Loading rollouts …'}</p>
      ) : items.length === 0 ? (
        <NoRollouts />
      ) : (
        <ul class="card flush rollouts">
          {items.map((item) => (
            <RolloutItem key={item.id} item={item} />
          ))}
        </ul>
      )}
    </>
  );
}

function RolloutItem({ item }: { readonly item: Summary }) {
  const { now } = useDashboard();
  return (
    <li class="rollout-item">
      <a class="rollout-link" href={hrefOf({ page: 'rollout', id: item.id })}>
        <span class="rollout-model mono">
          <bdi>{item.model}</bdi>@{item.version}
        </span>
        {item.kind !== 'update' && <span class="tag">{KINDS[item.kind]}</span>}
        <StatePill state={item.state} />
        <span class="muted small rollout-when">{ago(item.createdMs, now.value)}</span>
      </a>
      <Progress item={item} />
      <p class="muted small">
        {waveText(item)}
        {item.sentence !== '' && ` · ${said(item.sentence)}`}
      </p>
    </li>
  );
}

const KINDS = { shadow: 'shadow', ab: 'A/B' } as const;

function waveText({ wave, sizes, selector, state, needsApproval }: Summary): string {
  const devices = plural(sizes.at(-1) ?? 0, 'device');
  const to = selector === 'all' ? devices : `${devices} where ${selector}`;
  const at = wave < 0 ? 'not begun' : `wave ${wave + 1} of ${sizes.length}`;
  const asks = needsApproval && (state === 'running' || state === 'paused');
  return `${to} · ${at}${asks ? ' · needs approval' : ''}`;
}

const PARTS = ['committed', 'in-progress', 'sent', 'failed', 'rolled-back', 'expired'] as const;

/** Devices by state as one bar. */
function Progress({ item: { counts, sizes, model, version, state } }: { readonly item: Summary }) {
  const total = Math.max(1, sizes.at(-1) ?? 0);
  const back = state === 'halted' || state === 'rolled-back' || state === 'aborted';
  const said = PARTS.flatMap((part) => (counts[part] ? [`${counts[part]} ${part}`] : []));
  return (
    <div
      class="progress"
      role="img"
      aria-label={`${model}@${version}: ${said.join(', ') || 'no device yet'} of ${total}`}
    >
      {PARTS.filter((part) => (counts[part] ?? 0) > 0).map((part) => {
        const look = back && part === 'committed' ? 'rolled-back' : part;
        const width = `${(100 * (counts[part] ?? 0)) / total}%`;
        return <span key={part} class={`part ${look}`} style={{ width }} />;
      })}
    </div>
  );
}

function NoRollouts() {
  return (
    <section class="card empty" aria-label="No rollouts">
      <h2>No rollouts yet</h2>
      <p>Push a model, then roll a version of it out in waves:</p>
      <pre class="command">{`npx flotilla model push MODEL_FOLDER
npx flotilla rollout create MODEL@1 --waves 1,50%,100%`}</pre>
    </section>
  );
}

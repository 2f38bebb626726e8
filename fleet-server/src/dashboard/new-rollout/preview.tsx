import { useDashboard, useResource } from '../app/context.ts';
import { clock, count, plural } from '../app/format.ts';
import { hrefOf } from '../app/route.ts';
import {
  beginText,
  type DraftLine,
  type Holder,
  holdersOf,
  leftOutLines,
  variantLines,
  warningsOf,
} from './draft-lines.ts';
import { unplaced } from './fields.ts';
import type { Draft, NewRollout } from './store.ts';

/** What the rollout would do, as the server answers while the form is filled in. */
export function Preview({ store }: { readonly store: NewRollout }) {
  const { draft, stale, wrong, form } = store;
  const { version } = form.value;
  const fault = unplaced(wrong.value);
  return (
    <section class="card preview" aria-labelledby="preview-title" aria-busy={stale.value}>
      <h2 id="preview-title">What it would do</h2>
      {fault !== '' && <p class="field-wrong">{fault}</p>}
      {draft.value !== undefined ? (
        <div class={stale.value ? 'stale' : ''}>
          <DraftView draft={draft.value} />
        </div>
      ) : (
        <p class="muted" role="status">
          {version === ''
            ? 'Choose a model and a version.'
            : Object.keys(wrong.value).length > 0
              ? 'It can be told once what is wrong is put right.'
              : 'Asking the server …'}
        </p>
      )}
    </section>
  );
}

function DraftView({ draft }: { readonly draft: Draft }) {
  const { mayApprove } = useDashboard();
  const { sizes, matched, furtherGroups, model } = draft;
  const taking = sizes.at(-1) ?? 0;
  const left = matched - taking;
  const leftOut = leftOutLines(draft);
  const apart = draft.settings.kind === 'ab' ? 'in arm A or left out' : 'left out';
  const warnings = warningsOf(draft, { mayApprove: mayApprove.value });
  return (
    <>
      <p role="status" data-testid="draft">
        <strong>{plural(taking, 'device')}</strong> in {plural(sizes.length, 'wave')}
        {left > 0 && `, ${count(left)} ${apart}`}
      </p>
      <UnderWay model={model} />
      {warnings.length > 0 && (
        <ul class="warnings" aria-label="Warnings">
          {warnings.map((text) => (
            <li key={text}>{text}</li>
          ))}
        </ul>
      )}
      <Waves draft={draft} />
      <h3>Who gets what, and why</h3>
      <Lines lines={variantLines(draft)} />
      {leftOut.length > 0 && (
        <>
          <h3>{apart.charAt(0).toUpperCase() + apart.slice(1)}</h3>
          <Lines lines={leftOut} />
        </>
      )}
      {furtherGroups > 0 && (
        <p class="muted small">{`The largest groups are told; ${count(furtherGroups)} smaller ones are not.`}</p>
      )}
    </>
  );
}

function Waves({ draft: { sizes, startsMs, settings } }: { readonly draft: Draft }) {
  const { now } = useDashboard();
  const { approval = 'none' } = settings;
  const approved = (wave: number) => approval === 'each' || (approval === 'start' && wave === 0);
  const written = (ms: number) => clock(ms, now.value);
  return (
    <ol class="draft-waves" aria-label="Waves">
      {sizes.map((size, wave) => (
        <li key={wave}>
          <strong>Wave {wave + 1}</strong>
          <span>{plural(size - (sizes[wave - 1] ?? 0), 'device')}</span>
          <span class="muted small">
            {beginText(startsMs[wave] ?? 0, now.value, written)}
            {approved(wave) && ', once approved'}
          </span>
        </li>
      ))}
    </ol>
  );
}

function Lines({ lines }: { readonly lines: readonly DraftLine[] }) {
  return (
    <ul class="draft-lines">
      {lines.map(({ target, variant, devices, reason, names }) => (
        <li key={`${target} ${variant} ${reason}`}>
          <p>
            <strong>{count(devices)} ×</strong> <bdi>{target}</bdi>
            {variant !== '' && <span class="mono"> {variant}</span>}
          </p>
          {names.length > 0 && (
            <p class="small">
              <bdi>{names.join(', ')}</bdi>
              {devices > names.length && ` and ${count(devices - names.length)} more`}
            </p>
          )}
          <p class="muted small">{reason}</p>
        </li>
      ))}
    </ul>
  );
}

/** Rollouts under way hold the slot of their devices. */
function UnderWay({ model }: { readonly model: string }) {
  const { api } = useDashboard();
  const { value } = useResource(() => api.get<{ items: Holder[] }>('/rollouts?limit=100'), {
    when: ({ topic }) => topic === 'rollout',
  });
  const running = holdersOf(model, value.value?.items ?? []);
  if (running.length === 0) return null;
  return (
    <p class="warnings">
      {'Devices are held by '}
      {running.map(({ id, version }, at) => (
        <span key={id}>
          {at > 0 && ', '}
          <a href={hrefOf({ page: 'rollout', id })}>
            {model}@{version}
          </a>
        </span>
      ))}
      , which is under way: where this rollout needs one of them, it is refused unless its priority
      is higher.
    </p>
  );
}

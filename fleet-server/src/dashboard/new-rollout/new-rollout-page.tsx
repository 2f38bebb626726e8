import { useSignal } from '@preact/signals';
import type { ComponentChildren, TargetedSubmitEvent } from 'preact';
import { useEffect } from 'preact/hooks';
import { useDashboard } from '../app/context.ts';
import { Fold } from '../app/fold.tsx';
import { hrefOf } from '../app/route.ts';
import { CommandLine } from './command-line.tsx';
import { DevicesField } from './devices-field.tsx';
import { faultOf, idOf } from './fields.ts';
import { GateFields } from './gate-fields.tsx';
import { KindField, KindOptions } from './kind-fields.tsx';
import { Preview } from './preview.tsx';
import { type NewRollout, openNewRollout } from './store.ts';
import { TimeFields } from './time-fields.tsx';
import { VersionFields } from './version-fields.tsx';
import { WaveFields } from './wave-fields.tsx';

/** A form for a rollout, with what it would do beside it. */
export function NewRolloutPage() {
  const dashboard = useDashboard();
  const store = useSignal<NewRollout | undefined>(undefined);
  const { mayOperate, overview } = dashboard;
  useEffect(() => {
    const opened = openNewRollout(dashboard);
    store.value = opened;
    return () => opened.close();
  }, [dashboard, store]);
  return (
    <>
      <header class="head">
        <div>
          <p class="crumb">
            <a href={hrefOf({ page: 'rollouts' })}>Rollouts</a>
          </p>
          <h1>New rollout</h1>
        </div>
      </header>
      {overview.value === undefined ? (
        <p class="card placeholder muted">Loading …</p>
      ) : !mayOperate.value ? (
        <p class="card muted">Making a rollout needs an operator's token.</p>
      ) : (
        store.value && <NewRolloutForm store={store.value} />
      )}
    </>
  );
}

function NewRolloutForm({ store }: { readonly store: NewRollout }) {
  const refused = useSignal('');
  // what was refused is no longer so once the form was changed
  const stillWrong = Object.values(store.wrong.value).includes(refused.value);
  const submit = async (event: TargetedSubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    refused.value = '';
    const id = await store.create();
    if (id !== undefined) {
      location.hash = hrefOf({ page: 'rollout', id });
      return;
    }
    const [field, sentence] = Object.entries(store.wrong.value)[0] ?? [];
    refused.value = sentence ?? '';
    // not before the fields are drawn as enabled again
    requestAnimationFrame(() => document.getElementById(idOf(field ?? ''))?.focus());
  };
  return (
    <form
      class="new-rollout"
      onSubmit={(event) => void submit(event)}
      onKeyDown={(event) => {
        // who ends a selector with Enter, as on the fleet page, does not mean to begin a rollout
        if (event.key === 'Enter' && event.target instanceof HTMLInputElement) {
          event.preventDefault();
        }
      }}
    >
      {/* a refusal is told of what was sent, and goes once that is changed */}
      <fieldset disabled={store.busy.value}>
        <Part title="What">
          <div class="fields">
            <VersionFields store={store} />
            <KindField store={store} />
          </div>
          <KindOptions store={store} />
        </Part>
        <Part title="Devices">
          <DevicesField store={store} />
        </Part>
        <Part title="Waves">
          <WaveFields store={store} />
        </Part>
        <Part title="Pace and hours">
          <TimeFields store={store} />
        </Part>
        <Fold class="card members" summary={<GatesSummary store={store} />}>
          {() => <GateFields store={store} />}
        </Fold>
        <CommandLine store={store} />
      </fieldset>
      <div class="beside">
        <Preview store={store} />
        <div class="actions end">
          <p class="field-wrong" role="alert">
            {stillWrong && refused.value}
          </p>
          <button
            class="button primary"
            type="submit"
            disabled={store.busy.value || store.stale.value || store.draft.value === undefined}
          >
            Create rollout
          </button>
        </div>
      </div>
    </form>
  );
}

/** What is wrong with a gate is told also while the gates are folded away. */
function GatesSummary({ store }: { readonly store: NewRollout }) {
  const fault = faultOf(store.wrong.value, 'gates');
  return (
    <>
      Gates and their limits
      {fault !== '' && <span class="field-wrong small"> {fault}</span>}
    </>
  );
}

interface PartProps {
  readonly title: string;
  readonly children: ComponentChildren;
}

function Part({ title, children }: PartProps) {
  const id = `new-${title.split(' ')[0]?.toLowerCase()}-title`;
  return (
    <section class="card part-of-form" aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      {children}
    </section>
  );
}

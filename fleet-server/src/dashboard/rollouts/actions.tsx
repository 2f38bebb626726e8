import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { useDashboard } from '../app/context.ts';
import { plural } from '../app/format.ts';
import { type Progress, sumOf } from './squares.ts';

type Change = 'pause' | 'resume' | 'abort';

/** What a person may do to a rollout now; nothing without an operator's token. */
export function Actions({ progress }: { readonly progress: Progress }) {
  const { mayOperate } = useDashboard();
  const asked = useSignal<Change | undefined>(undefined);
  const changes = allowed(progress.state);
  if (changes.length === 0) return null;
  if (!mayOperate.value) {
    return <p class="muted small">Pausing or aborting needs an operator's token.</p>;
  }
  return (
    <div class="actions">
      {changes.map((change) => (
        <button
          key={change}
          type="button"
          class={change === 'abort' ? 'button danger' : 'button'}
          onClick={() => {
            asked.value = change;
          }}
        >
          {TITLES[change]}
        </button>
      ))}
      {asked.value !== undefined && (
        <Confirm
          progress={progress}
          change={asked.value}
          onClose={() => {
            asked.value = undefined;
          }}
        />
      )}
    </div>
  );
}

const TITLES = { pause: 'Pause', resume: 'Resume', abort: 'Abort' } as const;

function allowed(state: Progress['state']): readonly Change[] {
  if (state === 'running') return ['pause', 'abort'];
  return state === 'paused' ? ['resume', 'abort'] : [];
}

interface ConfirmProps {
  readonly progress: Progress;
  readonly change: Change;
  readonly onClose: () => void;
}

/** Says what will happen, and does it when that is confirmed. */
function Confirm({ progress, change, onClose }: ConfirmProps) {
  const { api } = useDashboard();
  const dialog = useRef<HTMLDialogElement>(null);
  const wrong = useSignal('');
  const busy = useSignal(false);
  useEffect(() => dialog.current?.showModal(), []);
  const carryOut = async () => {
    busy.value = true;
    const answer = await api.post(`/rollouts/${progress.id}/${change}`);
    busy.value = false;
    if (answer.ok) onClose();
    else wrong.value = answer.detail;
  };
  return (
    <dialog ref={dialog} class="dialog" aria-labelledby="confirm-title" onClose={onClose}>
      <h2 id="confirm-title">
        {TITLES[change]} {progress.model}@{progress.version}?
      </h2>
      <p>{consequence(progress, change)}</p>
      <p class="login-wrong" role="alert">
        {wrong.value}
      </p>
      <div class="actions end">
        <button type="button" class="button" onClick={onClose}>
          Keep as it is
        </button>
        <button
          type="button"
          class={change === 'abort' ? 'button danger filled' : 'button primary'}
          disabled={busy.value}
          onClick={() => void carryOut()}
        >
          {TITLES[change]}
        </button>
      </div>
    </dialog>
  );
}

function consequence({ waves, model, version }: Progress, change: Change): string {
  const took = sumOf(waves, 'committed') + sumOf(waves, 'in-progress') + sumOf(waves, 'sent');
  switch (change) {
    case 'pause':
      return 'No further device is asked to take the version. Those that were asked go on.';
    case 'resume':
      return 'The waves go on where they were left, gates willing.';
    case 'abort':
      return `${plural(took, 'device')} with ${model}@${version} go back to the version before. This cannot be undone.`;
  }
}

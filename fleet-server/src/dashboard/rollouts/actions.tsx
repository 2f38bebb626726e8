import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { useDashboard } from '../app/context.ts';
import { plural } from '../app/format.ts';
import { type Progress, sumOf } from './squares.ts';

type Change = 'approve' | 'promote' | 'pause' | 'resume' | 'abort';

/** What a person may do to a rollout now; nothing without an operator's token. */
export function Actions({ progress }: { readonly progress: Progress }) {
  const { mayOperate, mayApprove } = useDashboard();
  const asked = useSignal<Change | undefined>(undefined);
  const changes = allowed(progress).filter((change) => change !== 'approve' || mayApprove.value);
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
          class={`button ${LOOKS[change]}`}
          onClick={() => {
            asked.value = change;
          }}
        >
          {titleOf(progress, change)}
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

const TITLES = {
  approve: 'Approve',
  promote: 'Promote',
  pause: 'Pause',
  resume: 'Resume',
  abort: 'Abort',
} as const satisfies Record<Change, string>;

/** An approval names the wave that it lets open. */
const titleOf = ({ wave, waves }: Progress, change: Change): string =>
  change === 'approve' && wave + 1 < waves.length
    ? `${TITLES.approve} wave ${wave + 2}`
    : TITLES[change];

const LOOKS = {
  approve: 'primary',
  promote: 'primary',
  pause: '',
  resume: '',
  abort: 'danger',
} as const satisfies Record<Change, string>;

function allowed({ state, needsApproval, kind }: Progress): Change[] {
  const onward: Change[] = needsApproval ? ['approve'] : [];
  if (kind !== 'update') onward.push('promote');
  if (state === 'running') return [...onward, 'pause', 'abort'];
  return state === 'paused' ? [...onward, 'resume', 'abort'] : [];
}

interface ConfirmProps {
  readonly progress: Progress;
  readonly change: Change;
  readonly onClose: () => void;
}

/** Says what will happen, and does it when that is confirmed. */
function Confirm({ progress: newest, change, onClose }: ConfirmProps) {
  const { api } = useDashboard();
  // what is confirmed is what was asked, though the rollout goes on meanwhile
  const { current: progress } = useRef(newest);
  const dialog = useRef<HTMLDialogElement>(null);
  const wrong = useSignal('');
  const busy = useSignal(false);
  useEffect(() => dialog.current?.showModal(), []);
  const carryOut = async () => {
    busy.value = true;
    const body = change === 'approve' ? { wave: progress.wave + 2 } : undefined;
    const answer = await api.post(`/rollouts/${progress.id}/${change}`, body);
    busy.value = false;
    if (answer.ok) onClose();
    else wrong.value = answer.detail;
  };
  return (
    <dialog ref={dialog} class="dialog" aria-labelledby="confirm-title" onClose={onClose}>
      <h2 id="confirm-title">
        {titleOf(progress, change)} {change === 'approve' && 'of '}
        {progress.model}@{progress.version}?
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
          {titleOf(progress, change)}
        </button>
      </div>
    </dialog>
  );
}

const PROMOTIONS = {
  update: '',
  shadow: 'A rollout of its own brings the version to the same devices, wave by wave.',
  ab: 'The devices of arm A get the version too, in a last wave.',
} as const satisfies Record<Progress['kind'], string>;

function consequence({ waves, wave, kind, model, version }: Progress, change: Change): string {
  const took = sumOf(waves, 'committed') + sumOf(waves, 'in-progress') + sumOf(waves, 'sent');
  switch (change) {
    case 'approve': {
      const next = waves[wave + 1];
      if (next === undefined) return 'What a gate suspects is let pass in the last wave.';
      const when =
        wave < 0
          ? 'when nothing else holds it'
          : 'when the open one has ended, soaked and passed its gates';
      return `Wave ${wave + 2} of ${waves.length} with ${plural(next.size, 'device')} opens ${when}.`;
    }
    case 'promote':
      return PROMOTIONS[kind];
    case 'pause':
      return 'No further device is asked to take the version. Those that were asked go on.';
    case 'resume':
      return 'The waves go on where they were left, gates willing.';
    case 'abort':
      if (kind === 'shadow') return 'The shadows are taken away. Nobody notices.';
      return `${plural(took, 'device')} with ${model}@${version} go back to the version before. This cannot be undone.`;
  }
}

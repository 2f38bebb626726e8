import { GATE_NAMES } from '../../rollouts/gates/types.ts';
import { type Rollout, said } from './squares.ts';

type Verdict = Rollout['verdicts'][number];

const STATES = {
  open: { tone: 'ok', title: 'open' },
  closed: { tone: 'bad', title: 'closed' },
  waiting: { tone: 'info', title: 'waiting' },
  'not-applicable': { tone: 'quiet', title: 'not needed' },
} as const satisfies Record<Verdict['state'], { tone: string; title: string }>;

/** The latest verdict of each gate, in the wave that is or was open. */
export function Gates({ rollout }: { readonly rollout: Rollout }) {
  const verdicts = latestOf(rollout.verdicts);
  if (verdicts.length === 0) {
    return <p class="muted">Gates are judged when the first device has answered.</p>;
  }
  return (
    <ul class="gates">
      {verdicts.map(({ gate, title, state, sentence }) => (
        <li key={gate} class={`gate ${state}`} data-gate={gate} data-state={state}>
          <p class="gate-head">
            <strong>{title}</strong>
            <span class={`pill ${STATES[state].tone}`}>{STATES[state].title}</span>
          </p>
          <p class="gate-sentence">{said(sentence)}</p>
        </li>
      ))}
    </ul>
  );
}

/** Verdicts come newest wave first: the first of each gate counts. In the order of the gates. */
function latestOf(verdicts: readonly Verdict[]): Verdict[] {
  return GATE_NAMES.flatMap((name) => verdicts.find(({ gate }) => gate === name) ?? []);
}

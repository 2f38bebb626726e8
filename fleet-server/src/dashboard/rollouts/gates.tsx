import type { Rollout } from './squares.ts';

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
          <p class="gate-sentence">{withoutState(sentence)}</p>
        </li>
      ))}
    </ul>
  );
}

/** Verdicts come newest wave first: the first of each gate counts. */
export function latestOf(verdicts: readonly Verdict[]): Verdict[] {
  const seen = new Map<string, Verdict>();
  for (const verdict of verdicts) {
    if (!seen.has(verdict.gate)) seen.set(verdict.gate, verdict);
  }
  return [...seen.values()];
}

/** The pill beside it says open or closed already. */
const withoutState = (sentence: string): string => {
  const said = sentence.replace(/: (open|closed)$/, '');
  return said.charAt(0).toUpperCase() + said.slice(1);
};

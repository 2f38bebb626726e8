import { percent } from '../app/format.ts';
import { type Picture, pictureOf, placeOf, suspicionOf } from './evidence.ts';
import { type Progress, said } from './squares.ts';

type Verdict = Progress['verdicts'][number];

const STATES = {
  open: { tone: 'ok', title: 'open' },
  closed: { tone: 'bad', title: 'closed' },
  waiting: { tone: 'info', title: 'waiting' },
  'not-applicable': { tone: 'quiet', title: 'not needed' },
} as const satisfies Record<Verdict['state'], { tone: string; title: string }>;

/** What is wrong first, and what cannot be judged last, in a line. */
const ORDER: readonly Verdict['state'][] = ['closed', 'waiting', 'open'];

/** The verdict of each gate, in the wave that is or was open. */
export function Gates({ verdicts }: Pick<Progress, 'verdicts'>) {
  if (verdicts.length === 0) {
    return <p class="muted">Gates are judged when the first device has answered.</p>;
  }
  const judged = ORDER.flatMap((state) => verdicts.filter((verdict) => verdict.state === state));
  const apart = verdicts.filter(({ state }) => state === 'not-applicable');
  return (
    <>
      <ul class="gates">
        {judged.map((verdict) => (
          <GateItem key={verdict.gate} verdict={verdict} />
        ))}
      </ul>
      {[...Map.groupBy(apart, ({ sentence }) => sentence)].map(([sentence, some]) => (
        <p key={sentence} class="muted small gates-apart">
          {`Not judged: ${some.map(shortTitle).join(', ')} (${sentence}).`}
        </p>
      ))}
    </>
  );
}

const shortTitle = ({ title }: Verdict): string =>
  title.replace(/ against the previous version$/, '').toLowerCase();

function GateItem({ verdict }: { readonly verdict: Verdict }) {
  const { gate, title, state, sentence } = verdict;
  const picture = pictureOf(verdict);
  const suspicion = suspicionOf(verdict);
  return (
    <li class={`gate ${state}`} data-gate={gate} data-state={state}>
      <p class="gate-head">
        <strong>{title}</strong>
        <span class={`pill ${STATES[state].tone}`}>{STATES[state].title}</span>
      </p>
      <p class="gate-sentence">{said(sentence)}</p>
      {picture !== undefined && <Axis title={title} picture={picture} />}
      {suspicion !== undefined && (
        <p class="muted small">
          Suspicious: {percent(suspicion)} of the evidence that it takes to close.
        </p>
      )}
    </li>
  );
}

const across = (share: number): string => `${(100 * share).toFixed(2)}%`;

/** What was seen, with its interval, against the limit. */
function Axis({ title, picture }: { readonly title: string; readonly picture: Picture }) {
  const { value, limit, low, high } = picture;
  const [left, right] = [placeOf(picture, low), placeOf(picture, high)];
  return (
    <span
      class={value > limit ? 'axis over' : 'axis'}
      role="img"
      aria-label={`${title}: ${written(value)}${low < high ? ` (${written(low)} to ${written(high)})` : ''}, limit ${written(limit)}`}
    >
      <span class="axis-beyond" style={{ left: across(placeOf(picture, limit)) }} />
      <span class="axis-zero" style={{ left: across(placeOf(picture, 0)) }} />
      {low < high && (
        <span class="axis-interval" style={{ left: across(left), width: across(right - left) }} />
      )}
      <span class="axis-value" style={{ left: across(placeOf(picture, value)) }} />
    </span>
  );
}

const written = (number: number): string => `${Number(number.toPrecision(3))}`;

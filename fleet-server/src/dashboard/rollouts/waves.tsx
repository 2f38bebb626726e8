import { count, plural } from '../app/format.ts';
import { hrefOf } from '../app/route.ts';
import {
  type Member,
  memberText,
  type Rollout,
  SQUARES,
  type Square,
  squareOf,
  type Wave,
  wavesOf,
} from './squares.ts';

/** Squares that are drawn of a wave. */
const SHOWN = 300;
/** Waves up to that many devices name them. */
const NAMED = 8;
/** From there on squares are small. */
const DENSE = 60;

/** Every wave with its devices, one square each. */
export function Waves({ rollout }: { readonly rollout: Rollout }) {
  const waves = wavesOf(rollout);
  const squares = waves.flatMap(({ members }) => members.map(squareOf));
  const counts = Map.groupBy(squares, (square) => square);
  return (
    <>
      <ol class="waves">
        {waves.map((wave) => (
          <WaveBox key={wave.index} wave={wave} />
        ))}
      </ol>
      <Legend counts={counts} />
      <Apart rollout={rollout} />
    </>
  );
}

const WAVE_STATES = {
  done: 'passed',
  open: 'open',
  stopped: 'stopped here',
  waiting: 'waits',
  never: 'never opened',
} as const satisfies Record<Wave['state'], string>;

function WaveBox({ wave: { index, state, size, members } }: { readonly wave: Wave }) {
  const shown = members.slice(0, SHOWN);
  return (
    <li class={`wave ${state}`} style={{ flexGrow: Math.max(1, Math.sqrt(size)) }}>
      <p class="wave-head">
        <strong>Wave {index + 1}</strong>
        <span class="muted small">
          {plural(size, 'device')} · {WAVE_STATES[state]}
        </span>
      </p>
      <ul class={`squares ${size <= NAMED ? 'named' : size > DENSE ? 'dense' : ''}`}>
        {shown.map((member) => (
          <Cell key={member.device} member={member} named={size <= NAMED} />
        ))}
      </ul>
      {size > shown.length && <p class="muted small">and {count(size - shown.length)} more</p>}
    </li>
  );
}

function Cell({ member, named }: { readonly member: Member; readonly named: boolean }) {
  const square = squareOf(member);
  const text = `${member.name || member.device}: ${memberText(member)}`;
  return (
    <li>
      <a
        class={`square ${square}`}
        href={hrefOf({ page: 'device', id: member.device })}
        aria-label={text}
        title={text}
        data-state={square}
      >
        {SQUARES[square].glyph}
      </a>
      {named && (
        <span class="cell-text" aria-hidden="true">
          <bdi>{member.name || member.device}</bdi>
          <span class="muted small">{memberText(member)}</span>
        </span>
      )}
    </li>
  );
}

function Legend({ counts }: { readonly counts: ReadonlyMap<Square, readonly Square[]> }) {
  const all = Object.keys(SQUARES) as Square[];
  return (
    <p class="square-legend">
      {all
        .filter((square) => counts.has(square))
        .map((square) => (
          <span key={square}>
            <i class={`square tiny ${square}`} aria-hidden="true">
              {SQUARES[square].glyph}
            </i>
            {`${SQUARES[square].title} ${count(counts.get(square)?.length ?? 0)}`}
          </span>
        ))}
    </p>
  );
}

/** Devices that the selector names and that take no part. */
function Apart({ rollout: { counts, model, version } }: { readonly rollout: Rollout }) {
  const { unsuitable = 0, unchanged = 0 } = counts;
  if (unsuitable + unchanged === 0) return null;
  const parts = [
    unchanged > 0 ? `${plural(unchanged, 'device')} run ${model}@${version} already` : '',
    unsuitable > 0 ? `no variant suits ${plural(unsuitable, 'device')}` : '',
  ];
  return (
    <p class="muted small">Not in a wave: {parts.filter((part) => part !== '').join('; ')}.</p>
  );
}

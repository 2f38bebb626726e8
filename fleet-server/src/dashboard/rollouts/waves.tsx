import { spread } from '../../rollouts/progress/spread.ts';
import { STANDINGS, type Standing, standingOf } from '../../rollouts/progress/standing.ts';
import { useDashboard, useResource } from '../app/context.ts';
import { count, plural } from '../app/format.ts';
import { hrefOf } from '../app/route.ts';
import { type Member, memberText, type Progress, SQUARES, sumOf, type Wave } from './squares.ts';

/** Waves up to that many devices draw each; of larger ones a square stands for several. */
const SINGLE = 60;
const SQUARES_OF_MANY = 120;
/** Waves up to that many devices name them. */
const NAMED = 8;

/** Every wave with its devices. */
export function Waves({ progress }: { readonly progress: Progress }) {
  const { id, waves } = progress;
  return (
    <>
      <ol class="waves">
        {waves.map((wave) => (
          <WaveBox key={wave.index} id={id} wave={wave} />
        ))}
      </ol>
      <Legend waves={waves} />
      <Apart progress={progress} />
    </>
  );
}

const WAVE_STATES = {
  passed: 'passed',
  open: 'open',
  stopped: 'stopped here',
  waiting: 'waits',
  never: 'never opened',
} as const satisfies Record<Wave['state'], string>;

function WaveBox({ id, wave }: { readonly id: string; readonly wave: Wave }) {
  const { index, state, size, counts } = wave;
  const done = (counts.committed ?? 0) / Math.max(1, size);
  return (
    <li class={`wave ${state}`} style={{ flexGrow: Math.max(1, Math.sqrt(Math.min(size, 400))) }}>
      <p class="wave-head">
        <strong>Wave {index + 1}</strong>
        <span class="muted small">
          {plural(size, 'device')} · {WAVE_STATES[state]}
          {done > 0 && done < 1 && ` · ${Math.floor(done * 100)} % committed`}
        </span>
      </p>
      {size <= SINGLE ? <WaveDevices id={id} wave={wave} /> : <ManyDevices wave={wave} />}
    </li>
  );
}

/** One square for each device. */
function WaveDevices({ id, wave }: { readonly id: string; readonly wave: Wave }) {
  const { api } = useDashboard();
  const path = `/rollouts/${id}/devices?wave=${wave.index}&limit=${SINGLE}`;
  const { value } = useResource(() => api.get<{ items: Member[] }>(path), {
    when: ({ topic, id: subject }) => topic === 'rollout' && subject === id,
  });
  if (value.value === undefined) return <ManyDevices wave={wave} />;
  const named = wave.size <= NAMED;
  return (
    <ul class={named ? 'squares named' : 'squares'}>
      {value.value.items.map((member) => (
        <Cell key={member.device} member={member} named={named} />
      ))}
    </ul>
  );
}

function Cell({ member, named }: { readonly member: Member; readonly named: boolean }) {
  const square = standingOf(member);
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

/** Squares that stand for several devices each; a single failure has one all the same. */
function ManyDevices({ wave: { counts, size } }: { readonly wave: Wave }) {
  const cells = spread(counts, SQUARES_OF_MANY);
  const each = size / Math.max(1, cells.length);
  const said = STANDINGS.flatMap((standing) => {
    const devices = counts[standing] ?? 0;
    return devices > 0 ? [`${count(devices)} ${SQUARES[standing].title}`] : [];
  });
  return (
    <>
      <div class="squares dense" role="img" aria-label={said.join(', ')}>
        {cells.map((standing, at) => (
          <i key={at} class={`square ${standing}`}>
            {SQUARES[standing].glyph}
          </i>
        ))}
      </div>
      {each > 1 && <p class="muted small each">each about {Number(each.toPrecision(2))} devices</p>}
    </>
  );
}

function Legend({ waves }: Pick<Progress, 'waves'>) {
  const shown = STANDINGS.filter((standing: Standing) => sumOf(waves, standing) > 0);
  return (
    <p class="square-legend">
      {shown.map((standing) => (
        <span key={standing}>
          <i class={`square tiny ${standing}`} aria-hidden="true">
            {SQUARES[standing].glyph}
          </i>
          {`${SQUARES[standing].title} ${count(sumOf(waves, standing))}`}
        </span>
      ))}
    </p>
  );
}

/** Devices that the selector names and that take no part. */
function Apart({ progress: { apart, model, version } }: { readonly progress: Progress }) {
  const { unsuitable, unchanged, control } = apart;
  if (unsuitable + unchanged + control === 0) return null;
  const parts = [
    control > 0 ? `${plural(control, 'device')} of arm A, which keep their version` : '',
    unchanged > 0 ? `${plural(unchanged, 'device')} run ${model}@${version} already` : '',
    unsuitable > 0 ? `no variant suits ${plural(unsuitable, 'device')}` : '',
  ];
  return (
    <p class="muted small">Not in a wave: {parts.filter((part) => part !== '').join('; ')}.</p>
  );
}

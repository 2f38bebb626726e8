import { useSignal } from '@preact/signals';
import { standingOf } from '../../rollouts/progress/standing.ts';
import { useDashboard, useResource } from '../app/context.ts';
import { Fold } from '../app/fold.tsx';
import { hrefOf } from '../app/route.ts';
import { type Member, memberText, type Progress } from './squares.ts';

/** Devices in the table; all of them are had by the command line. */
const SHOWN = 200;
const RELOAD_MS = 3000;

/** Each device with its variant and why it was chosen; folded away, and not loaded, at first. */
export function Members({ progress: { id } }: { readonly progress: Progress }) {
  return (
    <Fold class="card members" summary="Devices and why each got its variant">
      {() => <MemberList id={id} />}
    </Fold>
  );
}

const FILTERS = { '': 'all', failed: 'failed', expired: 'no answer', 'in-progress': 'in progress' };

function MemberList({ id }: { readonly id: string }) {
  const filter = useSignal('');
  return (
    <>
      <label class="muted small">
        Show{' '}
        <select
          value={filter.value}
          onChange={({ currentTarget }) => {
            filter.value = currentTarget.value;
          }}
        >
          {Object.entries(FILTERS).map(([state, title]) => (
            <option key={state} value={state}>
              {title}
            </option>
          ))}
        </select>
      </label>
      <MemberTable key={filter.value} id={id} state={filter.value} />
    </>
  );
}

function MemberTable({ id, state }: { readonly id: string; readonly state: string }) {
  const { api } = useDashboard();
  const path = `/rollouts/${id}/devices?limit=${SHOWN}${state === '' ? '' : `&state=${state}`}`;
  const { value, trouble } = useResource(() => api.get<{ items: Member[]; next?: string }>(path), {
    when: ({ topic, id: subject }) => topic === 'rollout' && subject === id,
    intervalMs: RELOAD_MS,
  });
  if (value.value === undefined) return <p class="muted">{trouble.value || 'Loading …'}</p>;
  const { items, next } = value.value;
  if (items.length === 0) return <p class="muted">No such device.</p>;
  return (
    <>
      <MemberRows members={items} />
      {next !== undefined && (
        <p class="muted small">
          The first {SHOWN}. All of them: <code>flotilla rollout devices {id}</code>
        </p>
      )}
    </>
  );
}

function MemberRows({ members }: { readonly members: readonly Member[] }) {
  return (
    <table class="plain">
      <thead>
        <tr>
          <th scope="col">Device</th>
          <th scope="col">Wave</th>
          <th scope="col">State</th>
          <th scope="col">Variant</th>
          <th scope="col">Why</th>
        </tr>
      </thead>
      <tbody>
        {members.map((member) => (
          <MemberRow key={member.device} member={member} />
        ))}
      </tbody>
    </table>
  );
}

function MemberRow({ member }: { readonly member: Member }) {
  const { device, name, wave, precision, target, reason } = member;
  return (
    <tr>
      <td>
        <a href={hrefOf({ page: 'device', id: device })}>
          <bdi>{name || device}</bdi>
        </a>
      </td>
      <td data-label="Wave">{wave < 0 ? '–' : wave + 1}</td>
      <td class={`text-${standingOf(member)}`}>{wave < 0 ? member.state : memberText(member)}</td>
      <td class="mono">{precision === '' ? '–' : `${target} ${precision}`}</td>
      <td class="muted">{reason}</td>
    </tr>
  );
}

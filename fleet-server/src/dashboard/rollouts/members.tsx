import { Fold } from '../app/fold.tsx';
import { hrefOf } from '../app/route.ts';
import { type Member, memberText, type Rollout, squareOf } from './squares.ts';

/** Each device with its variant and why it was chosen; folded away at first. */
export function Members({ rollout }: { readonly rollout: Rollout }) {
  return (
    <Fold class="card members" summary="Devices and why each got its variant">
      {() => <MemberTable rollout={rollout} />}
    </Fold>
  );
}

function MemberTable({ rollout }: { readonly rollout: Rollout }) {
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
        {rollout.devices.map((member) => (
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
      <td>{wave < 0 ? '–' : wave + 1}</td>
      <td class={`text-${squareOf(member)}`}>{wave < 0 ? member.state : memberText(member)}</td>
      <td class="mono">{precision === '' ? '–' : `${target} ${precision}`}</td>
      <td class="muted">{reason}</td>
    </tr>
  );
}

import type { RolloutMember } from '@flotilla/fleet-server/progress';
import { byteCount, table } from '../ui/table.ts';

/** Devices of a rollout, each with its variant, its wave, and how it is. */
export function memberTable(members: readonly RolloutMember[], columns: number): string {
  const fetched = members.some(({ transfer }) => transfer !== undefined);
  const rows = members.map((member) => [
    member.name || member.device,
    member.target,
    member.precision,
    member.wave < 0 ? '–' : `${member.wave + 1}`,
    stateOf(member),
    member.detail || member.reason,
    ...(fetched ? [member.transfer === undefined ? '' : fetchedText(member.transfer)] : []),
  ]);
  const head = ['device', 'target', 'precision', 'wave', 'state', 'why'];
  return table(fetched ? [...head, 'fetched'] : head, rows, columns);
}

const BACK: Readonly<Record<RolloutMember['backState'], string>> = {
  none: '',
  sent: 'rolling back',
  'in-progress': 'rolling back',
  committed: 'rolled back',
  failed: 'roll-back failed',
  withdrawn: 'roll-back withdrawn',
};

function stateOf({ state, backState, code, arm }: RolloutMember): string {
  if (arm === 'control' && state === 'unchanged') return 'arm A';
  if (backState !== 'none') return `${state}, ${BACK[backState]}`;
  return state === 'in-progress' && code !== '' ? `${state}, ${code}` : state;
}

/** `1.2 MB, 0.9 MB of it as delta`. */
function fetchedText({
  bytes,
  deltaBytes,
  mqttBytes,
  fallbacks,
}: NonNullable<RolloutMember['transfer']>): string {
  const parts = [
    byteCount(bytes),
    deltaBytes > 0 ? `${byteCount(deltaBytes)} of it as delta` : '',
    mqttBytes > 0 ? `${byteCount(mqttBytes)} of it over MQTT` : '',
    ...fallbacks,
  ];
  return parts.filter(Boolean).join(', ');
}

import type { Transfer } from '@flotilla/protocol';
import { byteCount, table } from './ui/table.ts';

/** What the command and the demo read of `GET /rollouts/{id}`. */
export interface RolloutView {
  readonly id: string;
  readonly model: string;
  readonly version: number;
  readonly state: 'running' | 'paused' | 'halted' | 'rolled-back' | 'done' | 'aborted';
  /** Gate that stopped it, empty while none did. */
  readonly haltedBy: string;
  readonly sentence: string;
  /** Index of the open wave, −1 before the first. */
  readonly wave: number;
  /** Devices of each wave, cumulative. */
  readonly sizes: readonly number[];
  readonly devices: readonly RolloutDevice[];
  readonly verdicts: readonly Verdict[];
}

export interface RolloutDevice {
  readonly device: string;
  readonly name: string;
  readonly target: string;
  readonly wave: number;
  readonly state: string;
  readonly backState: string;
  readonly precision: string;
  readonly reason: string;
  /** Why it failed, or what it waits for; empty where neither. */
  readonly code: string;
  /** As far as the device reported it. */
  readonly transfer?: Transfer;
}

interface Verdict {
  readonly wave: number;
  readonly title: string;
  readonly state: string;
  readonly sentence: string;
}

export const hasEnded = ({ state }: RolloutView): boolean =>
  state === 'done' || state === 'rolled-back' || state === 'aborted';

/** One line that changes whenever something happened that a person would want to know. */
export function progressLine({ state, wave, sizes, devices, sentence }: RolloutView): string {
  if (state === 'halted' || state === 'rolled-back') {
    const back = devices.filter(({ backState }) => backState === 'committed');
    const undone = back.length > 0 ? ` · back on the version before: ${names(back)}` : '';
    return `${state}: ${sentence}${undone}`;
  }
  const taken = devices.filter((device) => device.state === 'committed');
  const note = state === 'running' || sentence === '' ? '' : ` · ${sentence}`;
  return `${state} · wave ${wave + 1} of ${sizes.length} · runs on: ${names(taken) || '–'}${note}`;
}

const names = (devices: readonly RolloutDevice[]): string =>
  devices.length > 8
    ? `${devices.length} devices`
    : devices.map(({ name, device }) => name || device).join(', ');

/** Devices with their waves and states, then what the gates say. */
export function rolloutTable({ devices, verdicts }: RolloutView, columns: number): string {
  const rows = devices.map((device) => [
    device.name || device.device,
    device.target,
    device.precision,
    device.wave < 0 ? '–' : `${device.wave + 1}`,
    stateOf(device),
    device.transfer === undefined ? '' : fetchedText(device.transfer),
  ]);
  const gates = newest(verdicts).map(({ title, state, sentence }) => [title, state, sentence]);
  const parts = [
    table(['device', 'target', 'precision', 'wave', 'state', 'fetched'], rows, columns),
  ];
  if (gates.length > 0) parts.push(table(['gate', 'state', 'what it saw'], gates, columns));
  return parts.join('\n\n');
}

function stateOf({ state, backState, code }: RolloutDevice): string {
  if (backState !== 'none') return `${state}, back: ${backState}`;
  return state === 'in-progress' && code !== '' ? `${state}, ${code}` : state;
}

/** `1.2 MB, 0.9 MB of it as delta`. */
function fetchedText({ bytes, deltaBytes, mqttBytes, fallbacks }: Transfer): string {
  const parts = [
    byteCount(bytes),
    deltaBytes > 0 ? `${byteCount(deltaBytes)} of it as delta` : '',
    mqttBytes > 0 ? `${byteCount(mqttBytes)} of it over MQTT` : '',
    ...fallbacks,
  ];
  return parts.filter(Boolean).join(', ');
}

/** The verdicts of the newest wave that was judged. */
function newest(verdicts: readonly Verdict[]): Verdict[] {
  const last = Math.max(...verdicts.map(({ wave }) => wave));
  return verdicts.filter(({ wave }) => wave === last);
}

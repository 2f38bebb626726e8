/** What the demo reads of `GET /rollouts/{id}`. */
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
}

interface RolloutDevice {
  readonly device: string;
  readonly name: string;
  readonly state: string;
  readonly backState: string;
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

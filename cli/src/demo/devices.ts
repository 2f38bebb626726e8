import type { TargetId } from '@flotilla/targets';

/** A device of the demo: an agent process that declares itself to be this hardware. */
export interface DemoDevice {
  readonly name: string;
  readonly target: TargetId;
  readonly site: string;
}

export const DEVICES: readonly DemoDevice[] = [
  { name: 'press-1', target: 'raspberry-pi-5', site: 'lyon' },
  { name: 'press-2', target: 'raspberry-pi-5', site: 'lyon' },
  { name: 'robot-cell', target: 'jetson-orin', site: 'turin' },
  { name: 'packing', target: 'x86-64', site: 'turin' },
];

export const TARGETS_OF_DEMO: readonly TargetId[] = [
  ...new Set(DEVICES.map(({ target }) => target)),
];

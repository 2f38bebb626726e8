import type { Simulation } from './simulation.ts';
import { STEPS } from './steps.ts';
import type { SimulationEvent } from './world.ts';

/** A simulated fleet at one moment. */
export interface Counts {
  readonly devices: number;
  readonly online: number;
  /** Devices by what they run: `parts@3`. */
  readonly runs: Readonly<Record<string, number>>;
  /** Attempts under way, by step, in the order of the steps. */
  readonly underWay: Readonly<Record<string, number>>;
  /** Attempts that have ended since the start, by version and ending: `parts@3 committed`. */
  readonly ended: Readonly<Record<string, number>>;
  /** Records that the server has not acknowledged. */
  readonly pending: number;
  readonly crashes: number;
  readonly messages: { readonly up: number; readonly down: number };
}

const RESULTS: Readonly<Record<string, string>> = {
  RESULT_COMMITTED: 'committed',
  RESULT_FAILED: 'failed',
  RESULT_ROLLED_BACK: 'rolled back',
};

/** Counts what is told of a simulation. */
export class Tally {
  readonly #ended = new Map<string, number>();
  #crashes = 0;

  told(event: SimulationEvent): void {
    if (event.kind === 'crashed') this.#crashes++;
    if (event.kind !== 'ended') return;
    const { model, version } = event.deployment;
    const why = event.code === '' ? '' : `, ${event.code}`;
    add(this.#ended, `${model}@${version} ${RESULTS[event.result] ?? event.result}${why}`);
  }

  of({ devices, traffic }: Pick<Simulation, 'devices' | 'traffic'>): Counts {
    const runs = new Map<string, number>();
    const underWay = new Map<string, number>();
    let online = 0;
    let pending = 0;
    for (const device of devices) {
      if (device.online) online++;
      pending += device.pending;
      for (const { model, version } of device.runs) add(runs, `${model}@${version}`);
      for (const { step } of device.attempts) add(underWay, step);
    }
    return {
      devices: devices.length,
      online,
      runs: sorted(runs),
      underWay: inOrder(underWay, STEPS),
      ended: sorted(this.#ended),
      pending,
      crashes: this.#crashes,
      messages: { ...traffic },
    };
  }
}

function add(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

const inOrder = (
  counts: ReadonlyMap<string, number>,
  keys: readonly string[],
): Record<string, number> =>
  Object.fromEntries(keys.flatMap((key) => (counts.has(key) ? [[key, counts.get(key)!]] : [])));

const sorted = (counts: ReadonlyMap<string, number>): Record<string, number> =>
  Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)));

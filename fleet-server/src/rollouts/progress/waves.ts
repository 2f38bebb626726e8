import type { Rollout } from '../store.ts';
import type { Standing } from './standing.ts';

export const WAVE_STATES = ['passed', 'open', 'stopped', 'waiting', 'never'] as const;
export type WaveState = (typeof WAVE_STATES)[number];

export type StandingCounts = Partial<Record<Standing, number>>;

export interface WaveProgress {
  readonly index: number;
  readonly state: WaveState;
  /** Devices that come with this wave. */
  readonly size: number;
  /** Devices of this wave and those before. */
  readonly reaches: number;
  readonly counts: StandingCounts;
}

/** @param counts devices of each wave by their standing */
export function wavesOf(
  { sizes, wave, state }: Pick<Rollout, 'sizes' | 'wave' | 'state'>,
  counts: ReadonlyMap<number, StandingCounts>,
): WaveProgress[] {
  const ended = state === 'halted' || state === 'rolled-back' || state === 'aborted';
  const stateOf = (index: number): WaveState => {
    if (index < wave || (index === wave && state === 'done')) return 'passed';
    if (index === wave) return ended ? 'stopped' : 'open';
    return ended ? 'never' : 'waiting';
  };
  return sizes.map((reaches, index) => ({
    index,
    state: stateOf(index),
    size: reaches - (sizes[index - 1] ?? 0),
    reaches,
    counts: counts.get(index) ?? {},
  }));
}

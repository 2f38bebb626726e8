import type { RolloutProgress } from '@flotilla/fleet-server/progress';

/** From 1: the wave after the open one, else the last, which an approval that names none is for. */
export const waveMeant = ({ wave, waves }: Pick<RolloutProgress, 'wave' | 'waves'>): number =>
  Math.min(wave + 2, waves.length);

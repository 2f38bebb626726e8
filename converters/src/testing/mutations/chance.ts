import { randomNumbers } from '../small-net.ts';

/** Seeded choices. */
export interface Chance {
  /** A whole number from 0 to `limit` − 1. */
  below(limit: number): number;
  pick<T>(values: readonly T[]): T;
}

export function createChance(seed: number): Chance {
  const random = randomNumbers(seed);
  const below = (limit: number) => Math.floor(((random() + 1) / 2) * limit);
  return { below, pick: (values) => values[below(values.length)]! };
}

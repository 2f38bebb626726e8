import type { Placement } from '../image/placement.ts';
import type { Tensors } from '../tensor.ts';

/** What became of raw inputs, and what outputs are read by. */
export interface Prepared {
  readonly tensors: Tensors;
  /** By sample: where the first image input lies in what the model sees; empty without one. */
  readonly placements: readonly Placement[];
}

/** Inputs made ready, and the numbers that drift is judged by (means over a batch). */
export interface Preprocessed extends Prepared {
  readonly features: Readonly<Record<string, number>>;
}

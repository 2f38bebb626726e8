import type { Precision } from '@flotilla/protocol';

/** The precisions that can be made. */
export const MAKEABLE = ['fp32', 'fp16', 'int8'] as const satisfies readonly Precision[];
export type Makeable = (typeof MAKEABLE)[number];

export const isMakeable = (precision: Precision): precision is Makeable =>
  (MAKEABLE as readonly Precision[]).includes(precision);

import type { Precision } from '@flotilla/protocol';

/** The precisions that can be made. */
export const MAKEABLE = [
  'fp32',
  'fp16',
  'int8',
  'mixed',
  'int8-dynamic',
  'int4',
] as const satisfies readonly Precision[];
export type Makeable = (typeof MAKEABLE)[number];

export const isMakeable = (precision: string): precision is Makeable =>
  (MAKEABLE as readonly string[]).includes(precision);

/** Those whose ranges come from samples. */
export const isCalibrated = (precision: Precision): boolean =>
  precision === 'int8' || precision === 'mixed';

/** The classes, in the order of the model's outputs and of `labels.txt`. */
export const PART_LABELS = [
  'bolt',
  'nut',
  'washer',
  'gear',
  'cracked_gear',
  'bearing',
  'spring',
  'bracket',
] as const;

export type PartLabel = (typeof PART_LABELS)[number];

/** The lights over the conveyor; the column `light` of `labels.csv`. */
export const LIGHTS = ['white', 'warm', 'cold', 'dim'] as const;

export type Light = (typeof LIGHTS)[number];

/** What can go wrong at the station: a lamp fails, or the camera slips on its mount. */
export const DRIFTS = ['lamp', 'camera'] as const;

export type Drift = (typeof DRIFTS)[number];

export function isDrift(text: string): text is Drift {
  return DRIFTS.some((drift) => drift === text);
}

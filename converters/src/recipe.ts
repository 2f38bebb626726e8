import type { TargetProfile } from '@flotilla/targets';
import type { PassReport } from './passes/index.ts';
import type { Quantized } from './quantize/quantize.ts';
import type { Settings } from './settings.ts';

/** How a variant was made: with the same source and samples it can be made again, byte by byte. */
export interface Recipe {
  readonly schema: 1;
  readonly target: string;
  readonly precision: string;
  readonly passes: readonly string[];
  readonly qdq?: object;
  readonly calibration?: {
    readonly method: string;
    readonly samples: number;
    readonly seed: number;
  };
  /** Nodes that stayed in fp32. */
  readonly float: readonly string[];
}

export function recipeOf(
  { precision, skipped }: Quantized,
  { id, qdq }: TargetProfile,
  passes: readonly PassReport[],
  { method, seed }: Settings,
  samples: number,
): Recipe {
  return {
    schema: 1,
    target: id,
    precision,
    passes: passes.map(({ pass }) => pass),
    ...(precision === 'int8' ? { qdq, calibration: { method, samples, seed } } : {}),
    float: skipped.map(({ node }) => node),
  };
}

import {
  clippedNet,
  concatRanges,
  outlierChannel,
  residualAdds,
  sharedWeights,
  siluBlocks,
} from './convolutional.ts';
import { detectorHead } from './detector.ts';
import { lstmMemory } from './lstm.ts';
import { outlierValues } from './outlier-values.ts';
import { resizePyramid } from './pyramid.ts';
import { depthwiseBatchNorm } from './scaled-channels.ts';
import { transformerBlock } from './transformer.ts';
import type { Trap } from './trap.ts';

export type { Trap, TrapFiles, TrapSample } from './trap.ts';

/** Networks that a quantizer must bring through within budget. */
export const TRAPS: readonly Trap[] = [
  siluBlocks,
  residualAdds,
  sharedWeights,
  concatRanges,
  depthwiseBatchNorm,
  resizePyramid,
  transformerBlock,
  lstmMemory,
  detectorHead,
  outlierChannel,
  outlierValues,
  clippedNet,
];

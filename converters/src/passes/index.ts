import type { Model } from '../ir/graph.ts';
import { constantFolding } from './constant-folding.ts';
import { constantSharing } from './constant-sharing.ts';
import { convBatchNorm } from './conv-batchnorm.ts';
import { deadCode } from './dead-code.ts';
import { dropoutRemoval } from './dropout-removal.ts';
import { identityRemoval } from './identity-removal.ts';
import { opsetUpgrade } from './opset-upgrade.ts';
import { type Pass, type PassOptions, type PassReport, runPassList } from './pass.ts';

export type { Pass, PassOptions, PassReport } from './pass.ts';

/** What every model goes through before it is quantized, in this order. */
export const PASSES: readonly Pass[] = [
  opsetUpgrade,
  dropoutRemoval,
  constantFolding,
  identityRemoval,
  convBatchNorm,
  deadCode,
  constantSharing,
];

/** Per-channel QuantizeLinear begins with opset 13. */
export const MIN_OPSET = 13;

/** Brings a model, in place, into the form that quantization works on. */
export function runPasses(model: Model, options: Partial<PassOptions> = {}): PassReport[] {
  return runPassList(model, PASSES, { opset: MIN_OPSET, ...options });
}

import type { Model } from '../ir/graph.ts';
import { choosePasses } from './choose.ts';
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

export interface RunOptions extends Partial<PassOptions> {
  /** Names of the passes that run; with `-` before each, all but these. All where it is left out. */
  readonly passes?: readonly string[];
}

/**
 * Brings a model, in place, into the form that quantization works on.
 *
 * @throws FlotillaError `pass.unknown`, `pass.keep-unknown`, and what passes refuse a model with
 */
export async function runPasses(
  model: Model,
  { passes, ...options }: RunOptions = {},
): Promise<PassReport[]> {
  const chosen = choosePasses(PASSES, passes);
  return await runPassList(model, chosen, { opset: MIN_OPSET, ...options });
}

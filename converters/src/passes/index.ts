import type { Model } from '../ir/graph.ts';
import { activationHoisting } from './activation-hoisting.ts';
import { activationMerging } from './activation-merging.ts';
import { affineFusion } from './affine-fusion.ts';
import { attention } from './attention.ts';
import { branchInlining } from './branch-inlining.ts';
import { canonicalOperators } from './canonical-operators.ts';
import { castElimination } from './cast-elimination.ts';
import { choosePasses } from './choose.ts';
import { commonSubexpressions } from './common-subexpressions.ts';
import { constantFolding } from './constant-folding.ts';
import { constantSharing } from './constant-sharing.ts';
import { convBatchNorm } from './conv-batchnorm.ts';
import { deadCode } from './dead-code.ts';
import { dropoutRemoval } from './dropout-removal.ts';
import { functionInlining } from './function-inlining.ts';
import { gelu } from './gelu.ts';
import { hardSwish } from './hard-swish.ts';
import { identityRemoval } from './identity-removal.ts';
import { inputFusion } from './input-fusion.ts';
import { layerNorm } from './layer-norm.ts';
import { matMulToGemm } from './matmul-to-gemm.ts';
import { noopElimination } from './noop-elimination.ts';
import { opsetUpgrade } from './opset-upgrade.ts';
import { padFusion } from './pad-fusion.ts';
import { type Pass, type PassOptions, type PassReport, runPassList } from './pass.ts';
import { reshapeElimination } from './reshape-elimination.ts';
import { transposeElimination } from './transpose-elimination.ts';
import { widenFloat16 } from './widen-float16.ts';

export type { Pass, PassOptions, PassReport } from './pass.ts';

/** What every model goes through before it is quantized, in this order. */
export const PASSES: readonly Pass[] = [
  functionInlining,
  opsetUpgrade,
  widenFloat16,
  dropoutRemoval,
  constantFolding,
  branchInlining,
  identityRemoval,
  commonSubexpressions,
  castElimination,
  noopElimination,
  transposeElimination,
  reshapeElimination,
  gelu,
  hardSwish,
  layerNorm,
  attention,
  canonicalOperators,
  activationMerging,
  activationHoisting,
  padFusion,
  convBatchNorm,
  affineFusion,
  matMulToGemm,
  inputFusion,
  deadCode,
  constantSharing,
];

/** Per-channel QuantizeLinear begins with opset 13. */
export const MIN_OPSET = 13;

export interface RunOptions extends Partial<PassOptions> {
  /** Names of the passes that run; with `-` before each, all but these. All where it is left out. */
  readonly passes?: readonly string[];
}

/** Passes make room for one another: they run again until none changes anything, this often at most. */
const MAX_ROUNDS = 6;

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
  // Passes take every constant for one that stays as it is.
  model.defaults = new Map();
  return await runPassList(model, chosen, { opset: MIN_OPSET, ...options }, MAX_ROUNDS);
}

import { definitionOf } from '../operators.ts';
import { type Adapter, defaultInt, drop } from './adapter.ts';
import { EXPERIMENTAL, EXPERIMENTAL_END } from './experimental.ts';
import { clip, intsToInput, pad, reductionAxes, slice, topK } from './inputs.ts';
import { dftAxis, groupNormalization, roiCoordinates, splitCount } from './later.ts';
import {
  batchNormalization,
  castByName,
  dropout,
  integerExponent,
  legacyBroadcast,
  legacySlope,
  renamedPads,
  reshape,
  seluDefaults,
} from './legacy.ts';
import {
  gridSampleModes,
  resizeCoordinates,
  upsampleFactors,
  upsampleScales,
  upsampleToResize,
} from './resample.ts';
import { batchedScan } from './scan.ts';
import { flattenedSoftmax } from './softmax.ts';

export type { Adapter, Upgrade } from './adapter.ts';

const REDUCTIONS = `ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin
  ReduceProd ReduceSumSquare`.split(/\s+/);

/** Operators whose versions before 6 could name inputs to overwrite, which nobody does any more. */
const OVERWRITING = `Abs Add BatchNormalization Ceil Clip Div Elu Exp Floor HardSigmoid
  InstanceNormalization LeakyRelu Log Max Mean Min Mul Neg PRelu Reciprocal Relu Selu Sigmoid
  Sqrt Sub Sum Tanh`.split(/\s+/);

const BROADCASTING = 'Add And Div Equal Greater Less Mul Or Pow Sub Xor'.split(' ');

/** Newest opset that the table below leads to. */
export const MAX_UPGRADE = 26;

/**
 * The changes of ai.onnx that ask for more than the new number: from this opset on, the operator is
 * written as the adapter leaves it. Changes not listed only widen what is allowed (ONNX
 * Changelog.md and the adapters of its version converter).
 */
const CHANGES: readonly (readonly [opset: number, op: string, adapter: Adapter])[] = [
  [2, 'GlobalLpPool', integerExponent],
  [2, 'LpPool', integerExponent],
  [2, 'Pad', renamedPads],
  [2, 'Split', defaultInt('axis', 0)],
  [4, 'Concat', defaultInt('axis', 1)],
  [5, 'Reshape', reshape],
  [6, 'Cast', castByName],
  [6, 'Selu', seluDefaults],
  [6, 'Tile', ({ refuse }) => refuse('it repeats one axis, as only opset 1 to 5 had it')],
  ...OVERWRITING.map((op) => [6, op, drop('consumed_inputs')] as const),
  ...BROADCASTING.map((op) => [7, op, legacyBroadcast] as const),
  [7, 'Gemm', drop('broadcast')],
  [7, 'GRU', drop('output_sequence')],
  [7, 'LSTM', drop('output_sequence')],
  [7, 'PRelu', legacySlope],
  [7, 'RNN', drop('output_sequence')],
  [7, 'Upsample', upsampleFactors],
  [9, 'BatchNormalization', batchNormalization],
  [9, 'Scan', batchedScan],
  [9, 'Upsample', upsampleScales],
  [10, 'Slice', slice],
  [10, 'TopK', topK],
  [10, 'Upsample', upsampleToResize],
  ...Object.entries(EXPERIMENTAL).map(([op, adapter]) => [EXPERIMENTAL_END, op, adapter] as const),
  [11, 'Clip', clip],
  [11, 'Pad', pad],
  [11, 'Resize', resizeCoordinates],
  [11, 'Scatter', renamed('ScatterElements')],
  [12, 'Dropout', dropout],
  [13, 'Hardmax', flattenedSoftmax],
  [13, 'LogSoftmax', flattenedSoftmax],
  [13, 'ReduceSum', reductionAxes],
  [13, 'Softmax', flattenedSoftmax],
  [13, 'Split', intsToInput('split', 1)],
  [13, 'Squeeze', intsToInput('axes', 1)],
  [13, 'Unsqueeze', intsToInput('axes', 1)],
  [14, 'BatchNormalization', batchNormalization],
  [16, 'RoiAlign', roiCoordinates],
  [18, 'Split', splitCount],
  ...REDUCTIONS.map((op) => [18, op, reductionAxes] as const),
  [20, 'DFT', dftAxis],
  [20, 'GridSample', gridSampleModes],
  [21, 'GroupNormalization', groupNormalization],
];

function renamed(op: string): Adapter {
  return ({ node }) => {
    node.op = op;
    return undefined;
  };
}

/** True where ai.onnx has, or once had on trial, the operator at this opset. */
export function isDefined(op: string, opset: number): boolean {
  const onTrial = Object.hasOwn(EXPERIMENTAL, op) && opset < EXPERIMENTAL_END;
  return onTrial || definitionOf(op, opset) !== undefined;
}

/** What an operator goes through from one opset to another, oldest change first. */
export function changesOf(op: string, from: number, to: number): Adapter[] {
  return CHANGES.filter(([opset, name]) => name === op && opset > from && opset <= to).map(
    ([, , adapter]) => adapter,
  );
}

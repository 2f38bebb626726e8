import { expect } from 'vitest';
import type { Model } from '../ir/graph.ts';
import { deadCode } from '../passes/dead-code.ts';
import { type Pass, type PassReport, runPassList } from '../passes/pass.ts';
import { relativeError, runModel } from './run-model.ts';

/** What one pass made of a model whose results it did not change. */
export interface Checked {
  readonly report: PassReport;
  /** Operators in graph order, those that nothing needs left out. */
  readonly ops: readonly string[];
}

/**
 * Runs one pass over a model, in place, holds the results in ONNX Runtime against those before, and
 * runs the pass again, which must find nothing left to do.
 */
export async function checkPass(model: Model, pass: Pass, tolerance = 1e-5): Promise<Checked> {
  const before = await runModel(model, 3);
  const [report] = await runPassList(model, [pass, deadCode], { opset: 13 });
  const after = await runModel(model, before.feeds);
  expect(relativeError(before.outputs, after.outputs)).toBeLessThanOrEqual(tolerance);
  const [again] = await runPassList(model, [pass], { opset: 13 });
  expect(again!.changed).toBe(0);
  return { report: report!, ops: model.graph.nodes.map(({ op }) => op) };
}

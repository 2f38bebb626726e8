import { inspectModel } from './inspect.ts';
import type { Model } from './ir/graph.ts';
import type { GraphSize } from './result.ts';

/** @param bytes of the model's file */
export function graphSize(model: Model, bytes: number): GraphSize {
  const { ops, parameters } = inspectModel(model, bytes);
  const nodes = Object.values(ops).reduce((sum, count) => sum + count, 0);
  return { nodes, parameters, bytes, ops };
}

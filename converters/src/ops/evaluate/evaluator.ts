import type { Node } from '../../ir/graph.ts';
import type { TensorValue } from '../../ir/tensor.ts';

/**
 * Computes the first output of a node from constant inputs (undefined where one is left out), as
 * opset 13 and later define the operator. Undefined where this case is left to the runtime.
 */
export type Evaluator = (
  inputs: readonly (TensorValue | undefined)[],
  node: Node,
) => TensorValue | undefined;

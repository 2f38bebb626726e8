import type { Node } from '../../ir/graph.ts';
import { isNumeric, type TensorValue } from '../../ir/tensor.ts';
import {
  divide,
  elementwise,
  larger,
  not,
  predicate,
  reduce,
  smaller,
  unary,
  where,
} from './arithmetic.ts';
import type { Evaluator } from './evaluator.ts';
import { concat, expand, gather, slice, tile, transpose } from './layout.ts';
import {
  cast,
  constantOfShape,
  flatten,
  identity,
  nonZero,
  range,
  reshape,
  shape,
  size,
  squeeze,
  unsqueeze,
} from './shape.ts';

/**
 * Operators that can be computed here exactly: those that move elements, and the arithmetic that
 * IEEE 754 and integers leave no choice in. Functions such as Exp are left to the runtime.
 */
const EVALUATORS: Readonly<Record<string, Evaluator>> = {
  Abs: unary(Math.abs, 'signed'),
  Add: elementwise(
    (a, b) => a + b,
    (a, b) => a + b,
  ),
  And: predicate((a, b) => a !== 0 && b !== 0),
  Cast: cast,
  Ceil: unary(Math.ceil, 'float'),
  Concat: concat,
  ConstantOfShape: constantOfShape,
  Div: divide,
  Equal: predicate((a, b) => a === b),
  Expand: expand,
  Flatten: flatten,
  Floor: unary(Math.floor, 'float'),
  Gather: gather,
  Greater: predicate((a, b) => a > b),
  GreaterOrEqual: predicate((a, b) => a >= b),
  Identity: identity,
  Less: predicate((a, b) => a < b),
  LessOrEqual: predicate((a, b) => a <= b),
  Max: elementwise(Math.max, larger),
  Min: elementwise(Math.min, smaller),
  Mul: elementwise(
    (a, b) => a * b,
    (a, b) => a * b,
  ),
  Neg: unary((value) => -value, 'signed'),
  NonZero: nonZero,
  Not: not,
  Or: predicate((a, b) => a !== 0 || b !== 0),
  Range: range,
  ReduceMax: reduce(larger, undefined),
  ReduceMin: reduce(smaller, undefined),
  ReduceProd: reduce((a, b) => a * b, 1n),
  ReduceSum: reduce((a, b) => a + b, 0n),
  Reshape: reshape,
  Shape: shape,
  Size: size,
  Slice: slice,
  Sqrt: unary(Math.sqrt, 'float'),
  Squeeze: squeeze,
  Sub: elementwise(
    (a, b) => a - b,
    (a, b) => a - b,
  ),
  Tile: tile,
  Transpose: transpose,
  Unsqueeze: unsqueeze,
  Where: where,
  Xor: predicate((a, b) => (a !== 0) !== (b !== 0)),
};

/** The output of a node over constants, or undefined where it is left to the runtime. */
export function evaluate(
  node: Node,
  inputs: readonly (TensorValue | undefined)[],
): TensorValue | undefined {
  if (!canEvaluate(node) || inputs.some((input) => input && !isNumeric(input.dtype))) {
    return undefined;
  }
  return EVALUATORS[node.op]!(inputs, node);
}

export function canEvaluate(node: Node): boolean {
  return node.domain === '' && Object.hasOwn(EVALUATORS, node.op);
}

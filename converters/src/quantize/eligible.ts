import { intAttribute } from '../ir/attributes.ts';
import { isOp, type Node } from '../ir/graph.ts';
import { elementCount, type TensorValue, toFloats } from '../ir/tensor.ts';
import { type OpRule, ruleOf } from './op-rules.ts';
import type { JudgingContext } from './plan-context.ts';
import { channelAxis } from './weights.ts';

/** What one node could do in an int8 graph, its neighbors not yet considered. */
export type Eligibility =
  | {
      readonly kind: 'heavy' | 'computes' | 'passes';
      /** Values it takes as activations. */
      readonly activations: readonly string[];
      /** Runs in integers even where its output stays float. */
      readonly floatOutput: boolean;
    }
  /** The reason is given where the node would have been worth quantizing. */
  | { readonly kind: 'float'; readonly reason?: string };

const FLOAT: Eligibility = { kind: 'float' };
const BY_CHOICE = 'kept in float by choice';

export function judgeNode(node: Node, context: JudgingContext): Eligibility {
  const verdict = judgeByRule(node, context);
  if (!context.float.has(node.name)) return verdict;
  return verdict.kind === 'heavy' ? skipped(BY_CHOICE) : FLOAT;
}

function judgeByRule(node: Node, context: JudgingContext): Eligibility {
  const rule = ruleOf(node);
  if (rule === undefined) return FLOAT;
  switch (rule.kind) {
    case 'weighted':
      return judgeWeighted(node, rule, context);
    case 'computes': {
      const all = rule.activations === 'all' ? node.inputs.keys() : rule.activations;
      return judgeActivations(node, 'computes', all, context);
    }
    case 'passes':
      return judgeActivations(node, 'passes', [rule.activation], context);
    case 'absorbed':
      return judgeActivations(node, 'computes', [rule.activation], context);
  }
}

function judgeActivations(
  node: Node,
  kind: 'heavy' | 'computes' | 'passes',
  inputs: Iterable<number>,
  context: JudgingContext,
): Eligibility {
  const names = [...inputs].map((index) => node.inputs[index] ?? '');
  if (!names.every((name) => context.floats.has(name))) return FLOAT;
  const activations = names.filter((name) => !context.graph.initializers.has(name));
  const constants = names.filter((name) => context.graph.initializers.has(name));
  const outputs = kind === 'heavy' ? [] : node.outputs;
  if (activations.length === 0 || ![...activations, ...outputs].every(hasRange(context))) {
    return FLOAT;
  }
  if (!constants.every((name) => allFinite(context.graph.initializers.get(name)))) return FLOAT;
  return { kind, activations, floatOutput: kind === 'heavy' };
}

function judgeWeighted(
  node: Node,
  rule: Extract<OpRule, { kind: 'weighted' }>,
  context: JudgingContext,
): Eligibility {
  const { graph, form, floats } = context;
  const input = node.inputs[rule.activation] ?? '';
  const weightName = node.inputs[rule.weight] ?? '';
  const weight = graph.initializers.get(weightName);
  if (!floats.has(input)) return skipped('its input is not float32');
  if (graph.initializers.has(input)) return skipped('its weights are not its right side');
  if (weight === undefined) {
    const product = isOp(node, 'MatMul');
    return product
      ? judgeActivations(node, 'heavy', [0, 1], context)
      : skipped('no constant weights');
  }
  if (weight.dtype !== 'float32') return skipped(`its weights are ${weight.dtype}`);
  if (!allFinite(weight)) return skipped('its weights are not all finite');
  if (!hasBias(node, weight, rule.bias, context)) {
    return skipped('its bias is no finite constant for each channel');
  }
  if (isDepthwise(node, weight) && !form.depthwise) {
    return skipped('a depthwise convolution is slower in integers on this target');
  }
  if (!hasRange(context)(input)) return skipped('calibration gave no finite range for its input');
  return { kind: 'heavy', activations: [input], floatOutput: rule.floatOutput };
}

function skipped(reason: string): Eligibility {
  return { kind: 'float', reason };
}

function hasRange({ ranges }: JudgingContext): (name: string) => boolean {
  return (name) => ranges.has(name);
}

function allFinite(tensor: TensorValue | undefined): boolean {
  return tensor?.dtype === 'float32' && toFloats(tensor).every(Number.isFinite);
}

/** True where the bias is left out, or is one finite constant per output channel or for all of them. */
function hasBias(
  node: Node,
  weight: TensorValue,
  index: number | undefined,
  { graph }: JudgingContext,
): boolean {
  const name = index === undefined ? '' : (node.inputs[index] ?? '');
  if (name === '') return true;
  const bias = graph.initializers.get(name);
  if (bias === undefined || !allFinite(bias)) return false;
  const count = elementCount(bias);
  const channels = weight.dims[channelAxis(node, weight) ?? 0];
  return count === 1 || (count === channels && bias.dims.at(-1) === count);
}

/** One input channel per group and at least as many outputs: the spatial filter of MobileNets. */
export function isDepthwise(node: Node, weight: TensorValue): boolean {
  return isOp(node, 'Conv') && intAttribute(node, 'group', 1) > 1 && weight.dims[1] === 1;
}

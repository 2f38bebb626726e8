import { floatAttribute, intAttribute, stringAttribute } from '../ir/attributes.ts';
import { isOp, type Node } from '../ir/graph.ts';

/**
 * How an operator takes part in an int8 QDQ graph. What is in no row stays in fp32.
 * Measured with ONNX Runtime 1.30 on CPU; ORT's own list is
 * onnxruntime/core/optimizer/qdq_transformer/selectors_actions/qdq_selector_action_transformer.cc.
 */
export type OpRule =
  /** Integer arithmetic with constant weights: the reason to quantize at all. */
  | {
      readonly kind: 'weighted';
      readonly activation: 0;
      readonly weight: 1;
      readonly bias: 2 | undefined;
      /** Runs in integers even where its output stays float. */
      readonly floatOutput: boolean;
    }
  /** Integer arithmetic on activations: worth it only between integer neighbors. */
  | { readonly kind: 'computes'; readonly activations: readonly number[] | 'all' }
  /** Moves values without changing them: input and outputs share scale and zero point. */
  | { readonly kind: 'passes'; readonly activation: 0 }
  /** Cut off by the saturation of the quantized output, where that starts at the bound. */
  | { readonly kind: 'absorbed'; readonly activation: 0 };

const PASSES = { kind: 'passes', activation: 0 } as const;
const UNARY = { kind: 'computes', activations: [0] } as const;
const ALL = { kind: 'computes', activations: 'all' } as const;
const ABSORBED = { kind: 'absorbed', activation: 0 } as const;
const PRODUCT = { kind: 'weighted', activation: 0, weight: 1, floatOutput: true } as const;

/** Operators of ai.onnx. */
const OP_RULES: Readonly<Record<string, OpRule>> = {
  Conv: { kind: 'weighted', activation: 0, weight: 1, bias: 2, floatOutput: false },
  Gemm: { ...PRODUCT, bias: 2 },
  MatMul: { ...PRODUCT, bias: undefined },

  Add: ALL,
  Mul: ALL,
  Concat: ALL,
  AveragePool: UNARY,
  GlobalAveragePool: UNARY,
  LeakyRelu: UNARY,
  Sigmoid: UNARY,
  Where: { kind: 'computes', activations: [1, 2] },

  MaxPool: PASSES,
  Reshape: PASSES,
  Flatten: PASSES,
  Transpose: PASSES,
  Squeeze: PASSES,
  Unsqueeze: PASSES,
  Slice: PASSES,
  Gather: PASSES,
  Split: PASSES,
  Resize: PASSES,
  Expand: PASSES,
  Tile: PASSES,
  DepthToSpace: PASSES,

  Relu: ABSORBED,
  Clip: ABSORBED,
};

/** What a rule says of one node: the same operator may compute in integers with some attributes only. */
export function ruleOf(node: Node): OpRule | undefined {
  if (node.domain !== '' || !Object.hasOwn(OP_RULES, node.op)) return undefined;
  if (isOp(node, 'Resize') && stringAttribute(node, 'mode', 'nearest') !== 'nearest')
    return undefined;
  if (isOp(node, 'MaxPool') && node.outputs.length > 1) return undefined;
  if (isOp(node, 'Gemm') && !isPlainGemm(node)) return undefined;
  return OP_RULES[node.op];
}

/** QGemm takes A as it is and adds the bias unscaled. */
function isPlainGemm(node: Node): boolean {
  const unscaled = ['alpha', 'beta'].every((name) => floatAttribute(node, name, 1) === 1);
  return unscaled && intAttribute(node, 'transA', 0) === 0;
}

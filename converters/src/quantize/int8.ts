import type { QdqForm } from '@flotilla/targets';
import { cloneModel, type Graph, type Model, opsetOf } from '../ir/graph.ts';
import { impossible, nothingToQuantize, type Skipped } from './impossible.ts';
import { insertQdq } from './insert-qdq.ts';
import { ruleOf } from './op-rules.ts';
import type { QuantizationParams } from './params.ts';
import { planQdq, type QdqPlan } from './plan.ts';
import type { Ranges } from './plan-context.ts';
import type { Tuned } from './tune/tune.ts';

/** DequantizeLinear takes a scale per channel from this opset on. */
const MIN_OPSET = 13;

export interface Int8Model {
  readonly model: Model;
  /** By value of the float graph, the name that has its dequantized value. */
  readonly renamed: ReadonlyMap<string, string>;
  /** Operators that run in integers, of those that would have gained by it. */
  readonly integerNodes: number;
  /** Names of the products with constant weights among them, in graph order. */
  readonly products: readonly string[];
  /** Of each quantized activation of the float graph, in its order. */
  readonly values: ReadonlyMap<string, QuantizationParams>;
  readonly skipped: readonly Skipped[];
}

export interface Int8Options {
  /** Weights and biases that take the place of rounded ones, by name of the node. */
  readonly tuned?: Tuned;
  /** Names of nodes that stay in floating point by choice. */
  readonly float?: ReadonlySet<string>;
}

/**
 * Static int8 quantization in QDQ form: the file stays portable, and a runtime that knows the
 * pattern computes in integers.
 *
 * @param model float32, batch normalization folded, opset 13 or later; it is not changed
 * @param ranges from `calibrate`
 * @throws FlotillaError `quantize.impossible` where no operator can run in integers
 */
export function quantizeInt8(
  model: Model,
  ranges: Ranges,
  form: QdqForm,
  { float = new Set(), tuned = new Map() }: Int8Options = {},
): Int8Model {
  const opset = opsetOf(model);
  if (opset < MIN_OPSET) throw impossible('int8', `opset ${opset} has no scales per channel`);
  const copy = cloneModel(model);
  const plan = planQdq(copy.graph, ranges, form, float);
  if (plan.integer.size === 0) {
    throw nothingToQuantize('int8', 'no operator can run in integers', plan.skipped);
  }
  const integerNodes = plan.integer.size;
  const products = productNames(copy.graph, plan);
  const values = inGraphOrder(model.graph, plan.values);
  const renamed = insertQdq(copy.graph, plan, form, tuned);
  return { model: copy, renamed, integerNodes, products, values, skipped: plan.skipped };
}

function productNames({ nodes, initializers }: Graph, { integer, values }: QdqPlan): string[] {
  const products = nodes.filter((node) => {
    const [input = '', weight = ''] = node.inputs;
    const weighted = ruleOf(node)?.kind === 'weighted' && initializers.has(weight);
    return weighted && integer.has(node) && values.has(input);
  });
  return products.map(({ name }) => name);
}

function inGraphOrder<T>({ inputs, nodes }: Graph, values: ReadonlyMap<string, T>): Map<string, T> {
  const names = [...inputs.map(({ name }) => name), ...nodes.flatMap(({ outputs }) => outputs)];
  return new Map(
    names.flatMap((name) => {
      const value = values.get(name);
      return value === undefined ? [] : [[name, value] as const];
    }),
  );
}

import { FlotillaError } from '@flotilla/protocol';
import type { QdqForm } from '@flotilla/targets';
import { cloneModel, type Graph, type Model, opsetOf } from '../ir/graph.ts';
import { insertQdq } from './insert-qdq.ts';
import type { QuantizationParams } from './params.ts';
import { planQdq } from './plan.ts';
import type { Ranges } from './plan-context.ts';

/** DequantizeLinear takes a scale per channel from this opset on. */
const MIN_OPSET = 13;

export interface Int8Model {
  readonly model: Model;
  /** By value of the float graph, the name that has its dequantized value. */
  readonly renamed: ReadonlyMap<string, string>;
  /** Operators that run in integers, of those that would have gained by it. */
  readonly integerNodes: number;
  /** Of each quantized activation of the float graph, in its order. */
  readonly values: ReadonlyMap<string, QuantizationParams>;
  readonly skipped: readonly { readonly node: string; readonly reason: string }[];
}

export interface Int8Options {
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
  { float = new Set() }: Int8Options = {},
): Int8Model {
  const opset = opsetOf(model);
  if (opset < MIN_OPSET) throw impossible(`opset ${opset} has no scales per channel`);
  const copy = cloneModel(model);
  const plan = planQdq(copy.graph, ranges, form, float);
  if (plan.integer.size === 0) {
    const [first] = plan.skipped;
    const why = first === undefined ? '' : `: ${first.node}: ${first.reason}`;
    throw impossible(`no operator can run in integers${why}`);
  }
  const integerNodes = plan.integer.size;
  const values = inGraphOrder(model.graph, plan.values);
  const renamed = insertQdq(copy.graph, plan, form);
  return { model: copy, renamed, integerNodes, values, skipped: plan.skipped };
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

function impossible(reason: string): FlotillaError {
  return new FlotillaError('quantize.impossible', { precision: 'int8', reason });
}

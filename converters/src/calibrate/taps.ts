import { int } from '../ir/attributes.ts';
import { createNamer } from '../ir/edit.ts';
import { cloneModel, type Graph, type Model, makeNode, tensorInfo } from '../ir/graph.ts';
import { floatValues } from '../quantize/float-values.ts';
import { ruleOf } from '../quantize/op-rules.ts';

/** The values whose range any int8 form of this graph may need: what integer operators take and make. */
export function quantizableValues(graph: Graph): string[] {
  const floats = floatValues(graph);
  const names = new Set<string>();
  for (const node of graph.nodes) {
    if (ruleOf(node) === undefined) continue;
    for (const name of [...node.inputs, ...node.outputs]) {
      if (floats.has(name) && !graph.initializers.has(name)) names.add(name);
    }
  }
  return [...names];
}

export interface TappedModel {
  readonly model: Model;
  /** By tapped value, the outputs that hold its smallest and largest element. */
  readonly outputs: ReadonlyMap<string, { readonly min: string; readonly max: string }>;
}

/**
 * A copy of the model with the extremes of each value as further outputs. The runtime cannot
 * optimize a value away that an output depends on, and only two numbers a value leave it.
 */
export function tapRanges(model: Model, values: readonly string[]): TappedModel {
  const copy = cloneModel(model);
  const { graph } = copy;
  const namer = createNamer(graph);
  const outputs = new Map<string, { min: string; max: string }>();
  for (const value of values) {
    const tap = (op: string): string => {
      const output = namer.fresh(`${value}_${op}`);
      const name = namer.fresh(`${output}_tap`);
      graph.nodes.push(makeNode(op, name, [value], [output], [['keepdims', int(0)]]));
      graph.outputs.push(tensorInfo(output, 'float32', []));
      return output;
    };
    outputs.set(value, { min: tap('ReduceMin'), max: tap('ReduceMax') });
  }
  return { model: copy, outputs };
}

/** A copy of the model with the values themselves as further outputs, in the order given. */
export function tapValues(model: Model, values: readonly string[]): TappedValues {
  const copy = cloneModel(model);
  const { graph } = copy;
  const namer = createNamer(graph);
  const outputs = new Map<string, string>();
  for (const value of values) {
    const output = namer.fresh(`${value}_tapped`);
    const cast = makeNode('Cast', namer.fresh(`${output}_Cast`), [value], [output]);
    cast.attributes.set('to', int(FLOAT32));
    graph.nodes.push(cast);
    graph.outputs.push(tensorInfo(output, 'float32'));
    outputs.set(value, output);
  }
  return { model: copy, outputs };
}

export interface TappedValues {
  readonly model: Model;
  /** By tapped value, the output that holds it as float32. */
  readonly outputs: ReadonlyMap<string, string>;
}

const FLOAT32 = 1;

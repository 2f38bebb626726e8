import { int } from '../ir/attributes.ts';
import { createNamer, indexGraph } from '../ir/edit.ts';
import {
  type Attribute,
  cloneModel,
  type Graph,
  isOp,
  type Model,
  makeNode,
  type Node,
  tensorInfo,
} from '../ir/graph.ts';
import { inferFacts } from '../ops/facts.ts';
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

/** The outputs of a tapped model that tell of one value. */
export interface Tap {
  readonly value: string;
  /** Its least element, left out where none is below 0, and its greatest. */
  readonly min: string | undefined;
  readonly max: string;
  /** A sum that is NaN where an element is; left out where none can be without an infinity before it. */
  readonly sum: string | undefined;
  /** All its elements, where they were asked for. */
  readonly whole: string | undefined;
}

/** Sums of products of finite numbers, and inputs, which are looked at before they are fed. */
const NEVER_NAN = ['Conv', 'Gemm', 'MatMul', 'ConvTranspose', 'Add', 'AveragePool'];

/**
 * A copy of the model that gives the extremes of each value instead of its own outputs. The runtime
 * cannot optimize a value away that an output depends on, and few numbers leave it. A sum goes with
 * them because the runtime's extremes pass over NaN.
 *
 * @param values float32
 * @param whole the elements of the values are outputs too
 */
export function tapActivations(
  model: Model,
  values: readonly string[],
  whole: boolean,
): { readonly model: Model; readonly taps: readonly Tap[] } {
  const copy = cloneModel(model);
  const { graph } = copy;
  const namer = createNamer(graph);
  if (values.length > 0) graph.outputs = [];
  const { producer } = indexGraph(graph);
  const facts = inferFacts(graph, { declared: true }).get(graph);
  const isImage = (value: string): boolean => facts?.get(value)?.shape?.length === 4;
  const taps = values.map((value) => {
    const add = (op: string, from: string, attributes: [string, Attribute][]): string => {
      const output = namer.fresh(`${value}_${op}`);
      graph.nodes.push(makeNode(op, namer.fresh(`${output}_tap`), [from], [output], attributes));
      return output;
    };
    const tap = (op: string, from = value, attributes: [string, Attribute][] = []): string => {
      const output = add(op, from, attributes);
      graph.outputs.push(tensorInfo(output, 'float32'));
      return output;
    };
    const reduce = (op: string, from = value): string => tap(op, from, [['keepdims', int(0)]]);
    const maker = producer.get(value);
    const isPositive = maker !== undefined && isOp(maker, 'Relu');
    // Pooled first: that is done in the runtime's own layout of images, which it then need not leave.
    const pooled = isPositive && isImage(value) ? add('GlobalMaxPool', value, []) : value;
    return {
      value,
      min: isPositive ? undefined : reduce('ReduceMin'),
      max: reduce('ReduceMax', pooled),
      sum: mayBeNaN(maker, producer) ? reduce('ReduceSum') : undefined,
      whole: whole ? tap('Identity') : undefined,
    };
  });
  return { model: copy, taps };
}

function mayBeNaN(maker: Node | undefined, producer: ReadonlyMap<string, Node>): boolean {
  const source = maker && isOp(maker, 'Relu') ? producer.get(maker.inputs[0] ?? '') : maker;
  return source !== undefined && !isOp(source, ...NEVER_NAN);
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

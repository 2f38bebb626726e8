import { int } from '../ir/attributes.ts';
import { DATA_TYPES } from '../ir/dtype.ts';
import { allGraphs, createNamer, indexGraph, type Namer, renameUses } from '../ir/edit.ts';
import type { Attribute, Graph, Model, Node, ValueInfo, ValueType } from '../ir/graph.ts';
import { isOp, makeNode } from '../ir/graph.ts';
import { makeTensor, type TensorValue, toFloats } from '../ir/tensor.ts';
import { mapValueInfo } from '../ops/value-info.ts';
import type { Pass } from './pass.ts';

const HALF = DATA_TYPES.float16.code;
const SINGLE = DATA_TYPES.float32.code;

/** Attributes that name the element type of what an operator makes. */
const TYPE_ATTRIBUTES = new Set(
  'dtype output_datatype output_dtype precision stash_type to'.split(' '),
);

/** Domains whose operators take float32 wherever they take float16. */
const KNOWN_DOMAINS = new Set(['', 'ai.onnx.ml', 'com.microsoft']);

/**
 * Makes a float16 model compute in float32, in place: ranges, scales and rounding are found there.
 * Inputs and outputs keep their type, with casts behind and before them, so that what feeds the
 * model does not change.
 */
export const widenFloat16: Pass = {
  name: 'widen-float16',
  touchesAll: true,
  run(model) {
    const graphs = allGraphs(model.graph);
    if (!graphs.some(holdsHalf)) return { changed: 0 };
    const fault = faultOf(model, graphs);
    if (fault !== undefined) return { changed: 0, declined: [fault] };
    for (const graph of graphs) widenGraph(graph, graph === model.graph);
    const namer = createNamer(model.graph);
    castInputs(model.graph, namer);
    castOutputs(model.graph, namer);
    return { changed: 1, notes: ['the model was widened from float16 to float32'] };
  },
};

function isHalf({ type }: ValueInfo): boolean {
  return type?.kind === 'tensor' && type.dtype === 'float16';
}

/** True where there is something to widen: casts at the border of a widened model are not. */
function holdsHalf(graph: Graph): boolean {
  const inputs = new Set(graph.inputs.map((info) => info.name));
  const outputs = new Set(graph.outputs.map((info) => info.name));
  const border = (node: Node) =>
    isOp(node, 'Cast') && (inputs.has(node.inputs[0]!) || outputs.has(node.outputs[0]!));
  const takesHalf = new Set(graph.inputs.filter(isHalf).map((info) => info.name));
  return (
    [...graph.initializers.values()].some((value) => value.dtype === 'float16') ||
    graph.nodes.some(
      (node) =>
        !border(node) &&
        (node.inputs.some((name) => takesHalf.has(name)) ||
          [...node.attributes].some(([name, attribute]) => widened(name, attribute) !== attribute)),
    )
  );
}

/** What float32 cannot stand for float16 in. */
function faultOf({ graph }: Model, graphs: readonly Graph[]): string | undefined {
  const opaque = [...graph.inputs, ...graph.outputs].find(({ type }) => type?.kind === 'opaque');
  if (opaque !== undefined) return `${opaque.name}: it is no tensor, so the model stays in float16`;
  for (const node of graphs.flatMap((each) => each.nodes)) {
    const bits = isOp(node, 'BitCast', 'Optional');
    if (!KNOWN_DOMAINS.has(node.domain) || bits) {
      return `${node.op} ${node.name}: it may need float16, so the model stays in it`;
    }
  }
  return undefined;
}

function widenGraph(graph: Graph, isRoot: boolean): void {
  for (const [name, value] of graph.initializers) graph.initializers.set(name, widen(value));
  for (const node of graph.nodes) {
    for (const [name, attribute] of node.attributes) {
      node.attributes.set(name, widened(name, attribute));
    }
  }
  const { inputs, outputs } = graph;
  mapValueInfo(graph, widenType);
  for (const [name, { type }] of graph.valueInfo) {
    if (type?.kind === 'opaque') graph.valueInfo.delete(name);
  }
  if (isRoot) Object.assign(graph, { inputs, outputs });
}

function widened(name: string, attribute: Attribute): Attribute {
  if (attribute.kind === 'tensor') {
    const value = widen(attribute.value);
    return value === attribute.value ? attribute : { kind: 'tensor', value };
  }
  const names = attribute.kind === 'int' && TYPE_ATTRIBUTES.has(name);
  return names && attribute.value === BigInt(HALF) ? int(SINGLE) : attribute;
}

function widen(value: TensorValue): TensorValue {
  if (value.dtype !== 'float16') return value;
  const { extra } = value;
  const tensor = makeTensor('float32', value.dims, toFloats(value));
  return extra === undefined ? tensor : { ...tensor, extra };
}

function widenType(type: ValueType): ValueType {
  return type.kind === 'tensor' && type.dtype === 'float16' ? { ...type, dtype: 'float32' } : type;
}

function castInputs(graph: Graph, namer: Namer): void {
  const names = new Map(
    graph.inputs.filter(isHalf).map(({ name }) => [name, namer.fresh(`${name}_float32`)] as const),
  );
  renameUses(graph.nodes, names);
  const casts = [...names].map(([from, to]) => castNode(from, to, SINGLE, namer));
  graph.nodes = [...casts, ...graph.nodes];
}

function castOutputs(graph: Graph, namer: Namer): void {
  const { producer } = indexGraph(graph);
  const inputs = new Set(graph.inputs.map((info) => info.name));
  const halves = graph.outputs.filter((info) => isHalf(info) && !inputs.has(info.name));
  const names = new Map(halves.map(({ name }) => [name, namer.fresh(`${name}_float32`)] as const));
  for (const [name, single] of names) {
    const maker = producer.get(name);
    const constant = graph.initializers.get(name);
    if (maker) maker.outputs = maker.outputs.map((output) => (output === name ? single : output));
    if (constant) {
      graph.initializers.set(single, constant);
      graph.initializers.delete(name);
    }
    graph.valueInfo.delete(name);
  }
  renameUses(graph.nodes, names);
  graph.nodes.push(...[...names].map(([to, from]) => castNode(from, to, HALF, namer)));
}

function castNode(from: string, to: string, type: number, namer: Namer): Node {
  return makeNode('Cast', namer.fresh(`${to}_cast`), [from], [to], [['to', int(type)]]);
}

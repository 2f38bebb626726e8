import type { DataType } from './dtype.ts';
import { type Extra, NO_EXTRA } from './extra.ts';
import type { TensorValue } from './tensor.ts';

/**
 * The one in-memory form of a model that passes, quantization and writers work on. It follows ONNX:
 * one `Node` shape for every operator, values known by name, `''` for an optional input or output
 * that is left out. Models, graphs and nodes are edited in place; tensors never change.
 */
export interface Model {
  irVersion: number;
  /** Operator set version by domain; `''` is ai.onnx. */
  opsets: Map<string, number>;
  graph: Graph;
  /** Operators that the model brings along; a call is a node of their domain and name. */
  functions: readonly ModelFunction[];
  /**
   * Inputs of the graph that stand for an initializer where nothing is fed (IR version 4 on). They
   * are not among the graph's inputs: all that works on the graph takes them for constants.
   */
  defaults: ReadonlyMap<string, ValueInfo>;
  metadata: Map<string, string>;
  extra: Extra;
}

/** What calls of an operator stand for (ONNX IR.md, functions). Never changed. */
export interface ModelFunction {
  readonly domain: string;
  readonly name: string;
  /** Tells functions of one name apart; `''` for most. */
  readonly overload: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Attributes without a default; a reference to one that the call does not give is left out. */
  readonly attributes: readonly string[];
  readonly attributeDefaults: ReadonlyMap<string, Attribute>;
  readonly opsets: ReadonlyMap<string, number>;
  readonly nodes: readonly Node[];
  readonly extra: Extra;
}

export interface Graph {
  name: string;
  /** Values fed at run time; initializers that old files (IR < 4) repeat here are left out. */
  inputs: ValueInfo[];
  outputs: ValueInfo[];
  /** In topological order. */
  nodes: Node[];
  initializers: Map<string, TensorValue>;
  /** Sparse constants by name, kept as the format's reader decoded them. */
  sparseInitializers: Map<string, unknown>;
  /** What the file says of the type and shape of inner values. */
  valueInfo: Map<string, ValueInfo>;
  extra: Extra;
}

export interface Node {
  /** Unique within its graph; made up where the file leaves it empty. */
  name: string;
  op: string;
  /** `''` is ai.onnx. */
  domain: string;
  inputs: string[];
  outputs: string[];
  attributes: Map<string, Attribute>;
  extra: Extra;
}

/** Integers are exact 64-bit values; a string is bytes, because ONNX does not promise UTF-8. */
export type Attribute =
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'int'; readonly value: bigint }
  | { readonly kind: 'string'; readonly value: Uint8Array }
  | { readonly kind: 'tensor'; readonly value: TensorValue }
  | { readonly kind: 'graph'; readonly value: Graph }
  | { readonly kind: 'floats'; readonly value: readonly number[] }
  | { readonly kind: 'ints'; readonly value: readonly bigint[] }
  | { readonly kind: 'strings'; readonly value: readonly Uint8Array[] }
  | { readonly kind: 'tensors'; readonly value: readonly TensorValue[] }
  | { readonly kind: 'graphs'; readonly value: readonly Graph[] }
  /** In a function: the value of the call's attribute of that name; `type` as in AttributeProto. */
  | { readonly kind: 'reference'; readonly value: { readonly name: string; readonly type: number } }
  /** Sparse tensors and types: kept as the format's reader decoded them. */
  | { readonly kind: 'opaque'; readonly value: unknown };

/** A size, the name of a size known only at run time, or `null` where nothing is said. */
export type Dim = number | string | null;

export type ValueType =
  | {
      readonly kind: 'tensor';
      readonly dtype: DataType;
      /** Undefined where not even the rank is known. */
      readonly shape: readonly Dim[] | undefined;
      /** What the value, and each dimension, stands for (ONNX TypeDenotation.md); rare. */
      readonly denotation?: string;
      readonly dimDenotations?: readonly string[];
    }
  /** Sequences, maps, optionals: kept as the format's reader decoded them. */
  | { readonly kind: 'opaque'; readonly value: unknown };

export interface ValueInfo {
  readonly name: string;
  readonly type: ValueType | undefined;
  readonly extra: Extra;
}

/** Makes a node. The name must be free in the graph: see `createNamer`. */
export function makeNode(
  op: string,
  name: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: Iterable<readonly [string, Attribute]> = [],
  domain = '',
): Node {
  return {
    name,
    op,
    domain,
    inputs: [...inputs],
    outputs: [...outputs],
    attributes: new Map(attributes),
    extra: NO_EXTRA,
  };
}

export function tensorInfo(name: string, dtype: DataType, shape?: readonly Dim[]): ValueInfo {
  return { name, type: { kind: 'tensor', dtype, shape }, extra: NO_EXTRA };
}

export function makeGraph(name: string, inputs: ValueInfo[], outputs: ValueInfo[]): Graph {
  return {
    name,
    inputs,
    outputs,
    nodes: [],
    initializers: new Map(),
    sparseInitializers: new Map(),
    valueInfo: new Map(),
    extra: NO_EXTRA,
  };
}

export function makeModel(graph: Graph, opset: number, irVersion = 8): Model {
  return {
    irVersion,
    opsets: new Map([['', opset]]),
    graph,
    functions: [],
    defaults: new Map(),
    metadata: new Map(),
    extra: NO_EXTRA,
  };
}

/** True for operator `op` of ai.onnx. */
export function isOp(node: Node, ...ops: string[]): boolean {
  return node.domain === '' && ops.includes(node.op);
}

/** The ai.onnx opset of a model; 1 where the file imports none, as IR versions 1 and 2 meant it. */
export function opsetOf(model: Model): number {
  return model.opsets.get('') ?? 1;
}

/** A copy that may be edited apart from the original; tensors are shared, since they never change. */
export function cloneModel(model: Model): Model {
  return {
    ...model,
    opsets: new Map(model.opsets),
    metadata: new Map(model.metadata),
    graph: cloneGraph(model.graph),
  };
}

/** The same for one graph and those nested in it. */
export function cloneGraph(graph: Graph): Graph {
  return {
    ...graph,
    inputs: [...graph.inputs],
    outputs: [...graph.outputs],
    nodes: graph.nodes.map(cloneNode),
    initializers: new Map(graph.initializers),
    sparseInitializers: new Map(graph.sparseInitializers),
    valueInfo: new Map(graph.valueInfo),
  };
}

function cloneNode(node: Node): Node {
  const attributes = [...node.attributes].map(
    ([name, value]) => [name, cloneAttribute(value)] as const,
  );
  return {
    ...node,
    inputs: [...node.inputs],
    outputs: [...node.outputs],
    attributes: new Map(attributes),
  };
}

function cloneAttribute(attribute: Attribute): Attribute {
  if (attribute.kind === 'graph') return { kind: 'graph', value: cloneGraph(attribute.value) };
  if (attribute.kind === 'graphs')
    return { kind: 'graphs', value: attribute.value.map(cloneGraph) };
  return attribute;
}

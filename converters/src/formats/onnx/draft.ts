import type { Draft } from '@flotilla/protocol';
import Long from 'long';
import { DATA_TYPES } from '../../ir/dtype.ts';
import type {
  Attribute,
  Dim,
  Graph,
  Model,
  ModelFunction,
  Node,
  ValueInfo,
  ValueType,
} from '../../ir/graph.ts';
import type { TensorValue } from '../../ir/tensor.ts';
import type {
  AttributeProto,
  AttributeProtoAttributeType,
  FunctionProto,
  GraphProto,
  ModelProto,
  NodeProto,
  OperatorSetIdProto,
  SparseTensorProto,
  TensorProto,
  TensorShapeProtoDimension,
  TypeProto,
  ValueInfoProto,
} from './onnx.gen.ts';
import type { Payload, Payloads } from './payloads.ts';
import { ATTRIBUTE_TYPES, withExtra } from './schema.ts';

const NOWHERE: Placement = {};

/** From IR version 4 on an initializer need not be an input of the graph too. */
const FREE_INITIALIZERS = 4;

/** Where a tensor's elements go: into its message by fields, or after it as a payload. */
export interface Placement {
  readonly fields?: Draft<TensorProto>;
  readonly payload?: Payload;
}

export type Place = (tensor: TensorValue, initializer: boolean) => Placement;

export interface ModelDraft {
  readonly message: Draft<ModelProto>;
  readonly payloads: Payloads;
}

/**
 * A model as the message of its file. Initializers are written as constants, so a file below IR
 * version 4 becomes version 4.
 */
export function modelDraft(model: Model, place: Place): ModelDraft {
  const draft = new Drafter(place);
  const defaults = [...model.defaults].filter(([name]) => model.graph.initializers.has(name));
  const graph = draft.graph(
    model.graph,
    defaults.map(([, info]) => info),
  );
  const message = withExtra<ModelProto>(
    {
      irVersion: long(Math.max(model.irVersion, FREE_INITIALIZERS)),
      opsetImport: opsetProtos(model.opsets),
      graph,
      functions: model.functions.map((each) => draft.function(each)),
      metadataProps: [...model.metadata].map(([key, value]) => ({ key, value })),
    },
    model.extra,
  );
  return { message, payloads: draft.payloads };
}

class Drafter {
  readonly payloads = new Map<object, Payload>();
  readonly #place: Place;

  constructor(place: Place) {
    this.#place = place;
  }

  graph(graph: Graph, defaults: readonly ValueInfo[] = []): Draft<GraphProto> {
    return withExtra<GraphProto>(
      {
        node: graph.nodes.map((node) => this.node(node)),
        name: graph.name,
        initializer: [...graph.initializers].map(([name, value]) => this.tensor(value, name)),
        sparseInitializer: [...graph.sparseInitializers.values()] as SparseTensorProto[],
        input: [...graph.inputs, ...defaults].map(valueInfoProto),
        output: graph.outputs.map(valueInfoProto),
        valueInfo: [...graph.valueInfo.values()].map(valueInfoProto),
      },
      graph.extra,
    );
  }

  function(of: ModelFunction): Draft<FunctionProto> {
    return withExtra<FunctionProto>(
      {
        name: of.name,
        ...(of.domain === '' ? {} : { domain: of.domain }),
        ...(of.overload === '' ? {} : { overload: of.overload }),
        input: [...of.inputs],
        output: [...of.outputs],
        attribute: [...of.attributes],
        attributeProto: [...of.attributeDefaults].map((entry) => this.attribute(...entry)),
        opsetImport: opsetProtos(of.opsets),
        node: of.nodes.map((node) => this.node(node)),
      },
      of.extra,
    );
  }

  node(node: Node): Draft<NodeProto> {
    return withExtra<NodeProto>(
      {
        input: node.inputs,
        output: node.outputs,
        name: node.name,
        opType: node.op,
        ...(node.domain === '' ? {} : { domain: node.domain }),
        attribute: [...node.attributes].map((entry) => this.attribute(...entry)),
      },
      node.extra,
    );
  }

  attribute(name: string, attribute: Attribute): Draft<AttributeProto> {
    const value = this.#value(attribute);
    if (attribute.kind === 'opaque') return value;
    if (attribute.kind === 'reference') return { name, ...value };
    return { name, type: ATTRIBUTE_TYPES[attribute.kind], ...value };
  }

  #value(attribute: Attribute): Draft<AttributeProto> {
    switch (attribute.kind) {
      case 'opaque':
        return attribute.value as AttributeProto;
      case 'reference':
        return {
          refAttrName: attribute.value.name,
          type: attribute.value.type as AttributeProtoAttributeType,
        };
      case 'float':
        return { f: attribute.value };
      case 'int':
        return { i: long(attribute.value) };
      case 'string':
        return { s: attribute.value };
      case 'tensor':
        return { t: this.tensor(attribute.value) };
      case 'graph':
        return { g: this.graph(attribute.value) };
      case 'floats':
        return { floats: [...attribute.value] };
      case 'ints':
        return { ints: attribute.value.map(long) };
      case 'strings':
        return { strings: [...attribute.value] };
      case 'tensors':
        return { tensors: attribute.value.map((value) => this.tensor(value)) };
      case 'graphs':
        return { graphs: attribute.value.map((graph) => this.graph(graph)) };
    }
  }

  /** `name` is that of an initializer. */
  tensor(tensor: TensorValue, name?: string): Draft<TensorProto> {
    const { fields, payload } =
      tensor.strings === undefined ? this.#place(tensor, name !== undefined) : NOWHERE;
    const message = withExtra<TensorProto>(
      {
        dims: tensor.dims.map(long),
        dataType: DATA_TYPES[tensor.dtype].code,
        ...(name === undefined ? {} : { name }),
        ...(tensor.strings ? { stringData: [...tensor.strings] } : fields),
      },
      tensor.extra,
    );
    if (payload !== undefined) this.payloads.set(message, payload);
    return message;
  }
}

function long(value: number | bigint): Long {
  return typeof value === 'bigint' ? Long.fromBigInt(value) : Long.fromNumber(value);
}

function opsetProtos(opsets: ReadonlyMap<string, number>): Draft<OperatorSetIdProto>[] {
  return [...opsets].map(([domain, version]) => ({ domain, version: long(version) }));
}

function valueInfoProto(info: ValueInfo): Draft<ValueInfoProto> {
  const type = info.type === undefined ? {} : { type: typeProto(info.type) };
  return withExtra<ValueInfoProto>({ name: info.name, ...type }, info.extra);
}

function typeProto(type: ValueType): Draft<TypeProto> {
  if (type.kind === 'opaque') return type.value as TypeProto;
  const dims = type.shape?.map((dim, axis) => dimProto(dim, type.dimDenotations?.[axis]));
  const tensorType = {
    elemType: DATA_TYPES[type.dtype].code,
    ...(dims === undefined ? {} : { shape: { dim: dims } }),
  };
  return { tensorType, ...(type.denotation ? { denotation: type.denotation } : {}) };
}

function dimProto(dim: Dim, denotation?: string): Draft<TensorShapeProtoDimension> {
  const meaning = denotation ? { denotation } : {};
  if (dim === null) return meaning;
  return typeof dim === 'string'
    ? { dimParam: dim, ...meaning }
    : { dimValue: long(dim), ...meaning };
}

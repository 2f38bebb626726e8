import type { Draft } from '@flotilla/protocol';
import Long from 'long';
import { DATA_TYPES } from '../../ir/dtype.ts';
import type { Attribute, Dim, Graph, Model, Node, ValueInfo, ValueType } from '../../ir/graph.ts';
import type { TensorValue } from '../../ir/tensor.ts';
import type {
  AttributeProto,
  GraphProto,
  ModelProto,
  NodeProto,
  SparseTensorProto,
  TensorProto,
  TensorShapeProtoDimension,
  TypeProto,
  ValueInfoProto,
} from './onnx.gen.ts';
import { ATTRIBUTE_TYPES, encodeModel, withExtra } from './schema.ts';

/** From IR version 4 on an initializer need not be an input of the graph too. */
const FREE_INITIALIZERS = 4;

/**
 * Writes a model as an ONNX file in one piece. The same model gives the same bytes. Initializers
 * are written as constants, so a file below IR version 4 becomes version 4.
 */
export function writeOnnx(model: Model): Uint8Array {
  return encodeModel(
    withExtra<ModelProto>(
      {
        irVersion: long(Math.max(model.irVersion, FREE_INITIALIZERS)),
        opsetImport: [...model.opsets].map(([domain, version]) => ({
          domain,
          version: long(version),
        })),
        graph: graphProto(model.graph),
        metadataProps: [...model.metadata].map(([key, value]) => ({ key, value })),
      },
      model.extra,
    ),
  );
}

function long(value: number | bigint): Long {
  return typeof value === 'bigint' ? Long.fromBigInt(value) : Long.fromNumber(value);
}

function graphProto(graph: Graph): Draft<GraphProto> {
  return withExtra<GraphProto>(
    {
      node: graph.nodes.map(nodeProto),
      name: graph.name,
      initializer: [...graph.initializers].map(([name, value]) => tensorProto(value, name)),
      sparseInitializer: [...graph.sparseInitializers.values()] as SparseTensorProto[],
      input: graph.inputs.map(valueInfoProto),
      output: graph.outputs.map(valueInfoProto),
      valueInfo: [...graph.valueInfo.values()].map(valueInfoProto),
    },
    graph.extra,
  );
}

function nodeProto(node: Node): Draft<NodeProto> {
  return withExtra<NodeProto>(
    {
      input: node.inputs,
      output: node.outputs,
      name: node.name,
      opType: node.op,
      ...(node.domain === '' ? {} : { domain: node.domain }),
      attribute: [...node.attributes].map(([name, value]) => attributeProto(name, value)),
    },
    node.extra,
  );
}

function attributeProto(name: string, attribute: Attribute): Draft<AttributeProto> {
  const value = attributeValue(attribute);
  if (attribute.kind === 'opaque') return value;
  return { name, type: ATTRIBUTE_TYPES[attribute.kind], ...value };
}

function attributeValue(attribute: Attribute): Draft<AttributeProto> {
  switch (attribute.kind) {
    case 'opaque':
      return attribute.value as AttributeProto;
    case 'float':
      return { f: attribute.value };
    case 'int':
      return { i: long(attribute.value) };
    case 'string':
      return { s: attribute.value };
    case 'tensor':
      return { t: tensorProto(attribute.value) };
    case 'graph':
      return { g: graphProto(attribute.value) };
    case 'floats':
      return { floats: [...attribute.value] };
    case 'ints':
      return { ints: attribute.value.map(long) };
    case 'strings':
      return { strings: [...attribute.value] };
    case 'tensors':
      return { tensors: attribute.value.map((value) => tensorProto(value)) };
    case 'graphs':
      return { graphs: attribute.value.map(graphProto) };
  }
}

function tensorProto(tensor: TensorValue, name?: string): Draft<TensorProto> {
  return withExtra<TensorProto>(
    {
      dims: tensor.dims.map(long),
      dataType: DATA_TYPES[tensor.dtype].code,
      ...(name === undefined ? {} : { name }),
      ...(tensor.strings ? { stringData: [...tensor.strings] } : { rawData: tensor.bytes }),
    },
    tensor.extra,
  );
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

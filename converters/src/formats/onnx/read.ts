import { FlotillaError } from '@flotilla/protocol';
import { dataTypeOfCode } from '../../ir/dtype.ts';
import type { Attribute, Dim, Graph, Model, Node, ValueInfo, ValueType } from '../../ir/graph.ts';
import type {
  AttributeProto,
  GraphProto,
  ModelProto,
  NodeProto,
  TensorShapeProtoDimension,
  TypeProto,
  ValueInfoProto,
} from './onnx.gen.ts';
import { type ExternalData, readTensor, sizeOf, Unreadable } from './read-tensor.ts';
import { foreignFormat } from './recognize.ts';
import { ATTRIBUTE_TYPES, decodeModel, extraOf, has } from './schema.ts';

export interface ReadOptions {
  /** How errors name the file. */
  readonly file: string;
  readonly external?: ExternalData;
}

/**
 * Reads an ONNX model. Tensors are views of `bytes` where the file has raw data: do not change them.
 *
 * @throws FlotillaError `model.not-onnx` with the reason.
 */
export function readOnnx(bytes: Uint8Array, options: ReadOptions): Model {
  try {
    return readModelProto(decode(bytes), options.external);
  } catch (cause) {
    if (!(cause instanceof Unreadable)) throw cause;
    throw new FlotillaError(
      'model.not-onnx',
      { file: options.file, reason: cause.message },
      { cause },
    );
  }
}

function decode(bytes: Uint8Array): ModelProto {
  if (bytes.length === 0) throw new Unreadable('it is empty');
  const foreign = foreignFormat(bytes);
  if (foreign !== undefined) throw new Unreadable(`it looks like ${foreign}`);
  try {
    return decodeModel(bytes);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Unreadable(`cut off or damaged: ${reason}`, { cause });
  }
}

function readModelProto(proto: ModelProto, external: ExternalData | undefined): Model {
  if (!proto.graph) throw new Unreadable('it holds no graph');
  const irVersion = has(proto, 'irVersion') ? sizeOf(proto.irVersion, 'its IR version') : 0;
  if (irVersion === 0) throw new Unreadable('it states no IR version');
  if (irVersion >= 3 && proto.opsetImport.length === 0) {
    throw new Unreadable('it imports no operator set');
  }
  return {
    irVersion,
    opsets: readOpsets(proto),
    graph: readGraph(proto.graph, external),
    metadata: new Map(proto.metadataProps.map(({ key, value }) => [key, value])),
    extra: extraOf(proto, ['irVersion', 'opsetImport', 'graph', 'metadataProps']),
  };
}

function readOpsets(proto: ModelProto): Map<string, number> {
  const opsets = new Map<string, number>();
  for (const { domain, version } of proto.opsetImport) {
    const key = domainOf(domain);
    const number = sizeOf(version, `the opset of domain ${JSON.stringify(domain)}`);
    if ((opsets.get(key) ?? number) !== number) {
      throw new Unreadable(`it imports domain ${JSON.stringify(domain)} in two versions`);
    }
    opsets.set(key, number);
  }
  return opsets;
}

/** "ai.onnx" and "" name the same domain (ONNX IR.md, operator set identifiers). */
function domainOf(domain: string): string {
  return domain === 'ai.onnx' ? '' : domain;
}

function readGraph(proto: GraphProto, external: ExternalData | undefined): Graph {
  const initializers = new Map(
    proto.initializer.map((tensor) => [tensor.name, readTensor(tensor, external)]),
  );
  if (initializers.size !== proto.initializer.length) {
    throw new Unreadable('two initializers have one name');
  }
  const inputs = proto.input.filter((input) => !initializers.has(input.name));
  return {
    name: proto.name,
    inputs: inputs.map(readValueInfo),
    outputs: proto.output.map(readValueInfo),
    nodes: readNodes(proto.node, external),
    initializers,
    sparseInitializers: new Map(
      proto.sparseInitializer.map((sparse) => [sparse.values?.name ?? '', sparse]),
    ),
    valueInfo: new Map(proto.valueInfo.map((info) => [info.name, readValueInfo(info)])),
    extra: extraOf(proto, [
      'node',
      'name',
      'initializer',
      'sparseInitializer',
      'input',
      'output',
      'valueInfo',
    ]),
  };
}

/** Nodes without a name, or with one that is taken, get one from their operator and position. */
function readNodes(protos: readonly NodeProto[], external: ExternalData | undefined): Node[] {
  const given = new Set(protos.map((proto) => proto.name));
  const taken = new Set<string>();
  return protos.map((proto, position) => {
    let name = proto.name;
    for (let i = 0; name === '' || taken.has(name); i++) {
      const made = `${proto.opType}_${position}${i === 0 ? '' : `_${i}`}`;
      name = given.has(made) ? '' : made;
    }
    taken.add(name);
    return readNode(proto, name, external);
  });
}

function readNode(proto: NodeProto, name: string, external: ExternalData | undefined): Node {
  const where = `node ${JSON.stringify(name)}`;
  if (proto.opType === '') throw new Unreadable(`${where} names no operator`);
  const attributes = proto.attribute.map(
    (attribute) => [attribute.name, readAttribute(attribute, where, external)] as const,
  );
  return {
    name,
    op: proto.opType,
    domain: domainOf(proto.domain),
    inputs: [...proto.input],
    outputs: [...proto.output],
    attributes: new Map(attributes),
    extra: extraOf(proto, ['input', 'output', 'name', 'opType', 'domain', 'attribute']),
  };
}

function readAttribute(
  proto: AttributeProto,
  where: string,
  external: ExternalData | undefined,
): Attribute {
  if (proto.refAttrName !== '') return { kind: 'opaque', value: proto };
  const type = has(proto, 'type') && proto.type !== 0 ? proto.type : impliedType(proto);
  switch (type) {
    case ATTRIBUTE_TYPES.float:
      return { kind: 'float', value: proto.f };
    case ATTRIBUTE_TYPES.int:
      return { kind: 'int', value: proto.i.toBigInt() };
    case ATTRIBUTE_TYPES.string:
      return { kind: 'string', value: Uint8Array.from(proto.s) };
    case ATTRIBUTE_TYPES.tensor:
      if (!proto.t) break;
      return { kind: 'tensor', value: readTensor(proto.t, external) };
    case ATTRIBUTE_TYPES.graph:
      if (!proto.g) break;
      return { kind: 'graph', value: readGraph(proto.g, external) };
    case ATTRIBUTE_TYPES.floats:
      return { kind: 'floats', value: proto.floats };
    case ATTRIBUTE_TYPES.ints:
      return { kind: 'ints', value: proto.ints.map((value) => value.toBigInt()) };
    case ATTRIBUTE_TYPES.strings:
      return { kind: 'strings', value: proto.strings };
    case ATTRIBUTE_TYPES.tensors:
      return { kind: 'tensors', value: proto.tensors.map((each) => readTensor(each, external)) };
    case ATTRIBUTE_TYPES.graphs:
      return { kind: 'graphs', value: proto.graphs.map((each) => readGraph(each, external)) };
    default:
      return { kind: 'opaque', value: proto };
  }
  throw new Unreadable(`attribute ${JSON.stringify(proto.name)} of ${where} has no value`);
}

/** IR version 1 had no type field: the one field that is set says the type. */
function impliedType(proto: AttributeProto): number {
  if (has(proto, 'f')) return ATTRIBUTE_TYPES.float;
  if (has(proto, 'i')) return ATTRIBUTE_TYPES.int;
  if (has(proto, 's')) return ATTRIBUTE_TYPES.string;
  if (proto.t) return ATTRIBUTE_TYPES.tensor;
  if (proto.g) return ATTRIBUTE_TYPES.graph;
  if (proto.floats.length > 0) return ATTRIBUTE_TYPES.floats;
  if (proto.strings.length > 0) return ATTRIBUTE_TYPES.strings;
  return ATTRIBUTE_TYPES.ints;
}

function readValueInfo(proto: ValueInfoProto): ValueInfo {
  const type = proto.type ? readType(proto.type) : undefined;
  return { name: proto.name, type, extra: extraOf(proto, ['name', 'type']) };
}

function readType(proto: TypeProto): ValueType {
  const tensor = proto.tensorType;
  const dtype = tensor && dataTypeOfCode(tensor.elemType);
  if (!tensor || !dtype) return { kind: 'opaque', value: proto };
  const dims = tensor.shape?.dim ?? [];
  const denoted = dims.some((dim) => dim.denotation !== '');
  return {
    kind: 'tensor',
    dtype,
    shape: tensor.shape ? dims.map(readDim) : undefined,
    ...(proto.denotation === '' ? {} : { denotation: proto.denotation }),
    ...(denoted ? { dimDenotations: dims.map((dim) => dim.denotation) } : {}),
  };
}

function readDim(proto: TensorShapeProtoDimension): Dim {
  if (has(proto, 'dimParam') && proto.dimParam) return proto.dimParam;
  if (!has(proto, 'dimValue') || proto.dimValue === undefined) return null;
  const size = proto.dimValue.toNumber();
  return size < 0 ? null : size;
}

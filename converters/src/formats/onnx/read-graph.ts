import type { Attribute, Graph, Node } from '../../ir/graph.ts';
import type { AttributeProto, GraphProto, NodeProto } from './onnx.gen.ts';
import { type ExternalData, readTensor, Unreadable } from './read-tensor.ts';
import { readValueInfo } from './read-type.ts';
import { ATTRIBUTE_TYPES, extraOf, has } from './schema.ts';

/** "ai.onnx" and "" name the same domain (ONNX IR.md, operator set identifiers). */
export function domainOf(domain: string): string {
  return domain === 'ai.onnx' ? '' : domain;
}

export function readGraph(proto: GraphProto, external: ExternalData | undefined): Graph {
  const sparse = proto.sparseInitializer.map((each) => [each.values?.name ?? '', each] as const);
  checkUnique([...proto.initializer.map(({ name }) => name), ...sparse.map(([name]) => name)]);
  return {
    name: proto.name,
    inputs: proto.input.map(readValueInfo),
    outputs: proto.output.map(readValueInfo),
    nodes: readNodes(proto.node, external),
    initializers: new Map(
      proto.initializer.map((tensor) => [tensor.name, readTensor(tensor, external)]),
    ),
    sparseInitializers: new Map(sparse),
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

function checkUnique(initializers: readonly string[]): void {
  const seen = new Set<string>();
  for (const name of initializers) {
    if (seen.has(name)) {
      throw new Unreadable(`two initializers have one name, ${JSON.stringify(name)}`);
    }
    seen.add(name);
  }
}

/** Nodes without a name, or with one that is taken, get one from their operator and position. */
export function readNodes(
  protos: readonly NodeProto[],
  external: ExternalData | undefined,
): Node[] {
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
  return {
    name,
    op: proto.opType,
    domain: domainOf(proto.domain),
    inputs: [...proto.input],
    outputs: [...proto.output],
    attributes: readAttributes(proto.attribute, where, external),
    extra: extraOf(proto, ['input', 'output', 'name', 'opType', 'domain', 'attribute']),
  };
}

export function readAttributes(
  protos: readonly AttributeProto[],
  where: string,
  external: ExternalData | undefined,
): Map<string, Attribute> {
  const attributes = new Map<string, Attribute>();
  for (const proto of protos) {
    const what = `attribute ${JSON.stringify(proto.name)} of ${where}`;
    if (attributes.has(proto.name)) throw new Unreadable(`${what} is given twice`);
    const attribute = readAttribute(proto, what, external);
    if (attribute === undefined) throw new Unreadable(`${what} has no value`);
    attributes.set(proto.name, attribute);
  }
  return attributes;
}

/** Undefined where the field that the type promises is not there. */
function readAttribute(
  proto: AttributeProto,
  what: string,
  external: ExternalData | undefined,
): Attribute | undefined {
  const type = has(proto, 'type') && proto.type !== 0 ? proto.type : impliedType(proto);
  if (proto.refAttrName !== '') {
    return { kind: 'reference', value: { name: proto.refAttrName, type } };
  }
  switch (type) {
    case ATTRIBUTE_TYPES.float:
      return { kind: 'float', value: proto.f };
    case ATTRIBUTE_TYPES.int:
      return { kind: 'int', value: proto.i.toBigInt() };
    case ATTRIBUTE_TYPES.string:
      return { kind: 'string', value: Uint8Array.from(proto.s) };
    case ATTRIBUTE_TYPES.tensor:
      return proto.t ? { kind: 'tensor', value: readTensor(proto.t, external, what) } : undefined;
    case ATTRIBUTE_TYPES.graph:
      return proto.g ? { kind: 'graph', value: readGraph(proto.g, external) } : undefined;
    case ATTRIBUTE_TYPES.floats:
      return { kind: 'floats', value: proto.floats };
    case ATTRIBUTE_TYPES.ints:
      return { kind: 'ints', value: proto.ints.map((value) => value.toBigInt()) };
    case ATTRIBUTE_TYPES.strings:
      return { kind: 'strings', value: proto.strings };
    case ATTRIBUTE_TYPES.tensors:
      return { kind: 'tensors', value: proto.tensors.map((t) => readTensor(t, external, what)) };
    case ATTRIBUTE_TYPES.graphs:
      return { kind: 'graphs', value: proto.graphs.map((each) => readGraph(each, external)) };
    default:
      return { kind: 'opaque', value: proto };
  }
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

import { FlotillaError } from '@flotilla/protocol';
import { allGraphs, isSorted, sortTopologically } from '../../ir/edit.ts';
import type { Model, ModelFunction } from '../../ir/graph.ts';
import type { FunctionProto, ModelProto, OperatorSetIdProto } from './onnx.gen.ts';
import { domainOf, readAttributes, readGraph, readNodes } from './read-graph.ts';
import { type ExternalData, sizeOf, Unreadable } from './read-tensor.ts';
import { readValueInfo } from './read-type.ts';
import { Foreign, foreignFormat, textFile } from './recognize.ts';
import { decodeModel, extraOf, has } from './schema.ts';

/** Up to IR version 3 each initializer had to be an input too, so that being one says nothing. */
const LAST_BOUND_INITIALIZERS = 3;

export interface ReadOptions {
  /** How errors name the file. */
  readonly file: string;
  readonly external?: ExternalData;
}

/**
 * Reads an ONNX model; nodes that are out of order, which runtimes take, are put in order. Tensors are views of `bytes` where the file has raw data: do not change them.
 *
 * @throws FlotillaError `model.not-onnx` with the reason.
 */
export function readOnnx(bytes: Uint8Array, options: ReadOptions): Model {
  try {
    return readModelProto(decode(bytes), options.external);
  } catch (cause) {
    if (!(cause instanceof Unreadable)) throw cause;
    const why = cause instanceof Foreign ? cause : (textFile(bytes) ?? cause);
    const advice = why instanceof Foreign ? { advice: why.advice } : {};
    const context = { file: options.file, reason: why.message, ...advice };
    throw new FlotillaError('model.not-onnx', context, { cause });
  }
}

function decode(bytes: Uint8Array): ModelProto {
  if (bytes.length === 0) throw new Unreadable('it is empty');
  const foreign = foreignFormat(bytes);
  if (foreign !== undefined) throw foreign;
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
  const graph = readGraph(proto.graph, external);
  for (const each of allGraphs(graph)) if (!isSorted(each)) sortTopologically(each);
  const bound = proto.graph.input.filter(({ name }) => graph.initializers.has(name));
  graph.inputs = graph.inputs.filter(({ name }) => !graph.initializers.has(name));
  const defaults = irVersion > LAST_BOUND_INITIALIZERS ? bound.map(readValueInfo) : [];
  return {
    irVersion,
    opsets: readOpsets(proto.opsetImport),
    graph,
    functions: proto.functions.map((each) => readFunction(each, external)),
    defaults: new Map(defaults.map((info) => [info.name, info])),
    metadata: new Map(proto.metadataProps.map(({ key, value }) => [key, value])),
    extra: extraOf(proto, ['irVersion', 'opsetImport', 'graph', 'functions', 'metadataProps']),
  };
}

function readOpsets(imports: readonly OperatorSetIdProto[]): Map<string, number> {
  const opsets = new Map<string, number>();
  for (const { domain, version } of imports) {
    const key = domainOf(domain);
    const number = sizeOf(version, `the opset of domain ${JSON.stringify(domain)}`);
    if ((opsets.get(key) ?? number) !== number) {
      throw new Unreadable(`it imports domain ${JSON.stringify(domain)} in two versions`);
    }
    opsets.set(key, number);
  }
  return opsets;
}

function readFunction(proto: FunctionProto, external: ExternalData | undefined): ModelFunction {
  const where = `function ${JSON.stringify(proto.name)}`;
  return {
    domain: domainOf(proto.domain),
    name: proto.name,
    overload: proto.overload,
    inputs: proto.input,
    outputs: proto.output,
    attributes: proto.attribute,
    attributeDefaults: readAttributes(proto.attributeProto, where, external),
    opsets: readOpsets(proto.opsetImport),
    nodes: readNodes(proto.node, external),
    extra: extraOf(proto, [
      'domain',
      'name',
      'overload',
      'input',
      'output',
      'attribute',
      'attributeProto',
      'opsetImport',
      'node',
    ]),
  };
}

import type { Attribute, Graph, Model, Node, ValueInfo } from './graph.ts';
import { elementCount, isNumeric, type TensorValue, toNumbers } from './tensor.ts';

const MAX_SHOWN = 8;

/** A model as text to read and to compare in tests: one line a value or node, nested graphs indented. */
export function printModel(model: Model): string {
  const opsets = [...model.opsets].map(([domain, version]) => `${domain || 'ai.onnx'} ${version}`);
  return [`ir ${model.irVersion}, ${opsets.join(', ')}`, ...printGraph(model.graph), ''].join('\n');
}

function printGraph(graph: Graph): string[] {
  return [
    `graph ${graph.name || '(unnamed)'}`,
    ...graph.inputs.map((info) => `  input ${printValueInfo(info)}`),
    ...[...graph.initializers].map(([name, value]) => `  const ${name}: ${printTensor(value)}`),
    ...graph.nodes.flatMap(printNode).map((line) => `  ${line}`),
    ...graph.outputs.map((info) => `  output ${printValueInfo(info)}`),
  ];
}

function printNode(node: Node): string[] {
  const nested: string[] = [];
  const attributes = [...node.attributes].map(([name, attribute]) => {
    if (attribute.kind === 'graph') nested.push(`  ${name}:`, ...indent(attribute.value));
    return `${name}=${printAttribute(attribute)}`;
  });
  const op = node.domain === '' ? node.op : `${node.domain}.${node.op}`;
  const settings = attributes.length === 0 ? '' : ` {${attributes.join(', ')}}`;
  const list = (names: readonly string[]) => names.map((name) => name || '_').join(', ');
  return [`${list(node.outputs)} = ${op}(${list(node.inputs)})${settings}`, ...nested];
}

function indent(graph: Graph): string[] {
  return printGraph(graph).map((line) => `    ${line}`);
}

function printValueInfo({ name, type }: ValueInfo): string {
  if (type?.kind !== 'tensor') return `${name}: ${type === undefined ? 'unknown' : 'other'}`;
  const shape = type.shape?.map((dim) => dim ?? '?').join(', ');
  return `${name}: ${type.dtype}[${shape ?? '...'}]`;
}

/** Type and dimensions, and the elements where they are few. */
function printTensor(tensor: TensorValue): string {
  const head = `${tensor.dtype}[${tensor.dims.join(', ')}]`;
  const few = elementCount(tensor) <= MAX_SHOWN && isNumeric(tensor.dtype);
  return few ? `${head} = ${Array.from(toNumbers(tensor), short).join(' ')}`.trim() : head;
}

function short(value: number): string {
  return String(Number(value.toPrecision(6)));
}

function printAttribute(attribute: Attribute): string {
  switch (attribute.kind) {
    case 'float':
      return short(attribute.value);
    case 'int':
      return String(attribute.value);
    case 'string':
      return JSON.stringify(new TextDecoder().decode(attribute.value));
    case 'tensor':
      return printTensor(attribute.value);
    case 'floats':
      return `[${attribute.value.map(short).join(', ')}]`;
    case 'ints':
      return `[${attribute.value.join(', ')}]`;
    case 'graph':
    case 'graphs':
    case 'strings':
    case 'tensors':
    case 'opaque':
      return `(${attribute.kind})`;
    case 'reference':
      return `@${attribute.value.name}`;
  }
}

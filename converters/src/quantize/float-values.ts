import { intAttribute, tensorAttribute } from '../ir/attributes.ts';
import type { Graph, Node, ValueInfo } from '../ir/graph.ts';

/** Operators whose outputs are never float32, whatever they take. */
const NEVER_FLOAT = new Set(
  (
    'Shape Size NonZero ArgMax ArgMin And Or Not Xor Equal Less Greater LessOrEqual GreaterOrEqual ' +
    'IsNaN IsInf QuantizeLinear DynamicQuantizeLinear ConvInteger MatMulInteger QLinearConv ' +
    'QLinearMatMul BitShift StringNormalizer TfIdfVectorizer'
  ).split(' '),
);

/** Input that decides the element type of the outputs, where it is not the first. */
const TYPE_INPUT: Readonly<Record<string, number>> = { Where: 1, OneHot: 2, DequantizeLinear: 1 };

const FLOAT32 = 1;

/**
 * Names of the float32 values that the top-level graph computes or is fed: forward inference of the
 * element type alone. A value whose type cannot be told is left out, so that it is not quantized.
 */
export function floatValues(graph: Graph): Set<string> {
  const floats = new Set<string>();
  for (const input of graph.inputs) if (isFloat(input)) floats.add(input.name);
  for (const [name, tensor] of graph.initializers) {
    if (tensor.dtype === 'float32') floats.add(name);
  }
  for (const node of graph.nodes) {
    node.outputs.forEach((name, index) => {
      const declared = graph.valueInfo.get(name);
      const known = declared?.type?.kind === 'tensor';
      if (name !== '' && (known ? isFloat(declared) : makesFloat(node, index, floats))) {
        floats.add(name);
      }
    });
  }
  return floats;
}

function isFloat(info: ValueInfo): boolean {
  return info.type?.kind === 'tensor' && info.type.dtype === 'float32';
}

function makesFloat(node: Node, output: number, floats: ReadonlySet<string>): boolean {
  if (node.domain !== '' || NEVER_FLOAT.has(node.op)) return false;
  if (node.op === 'Cast') return intAttribute(node, 'to', 0) === FLOAT32;
  if (node.op === 'Constant' || node.op === 'ConstantOfShape') {
    const value = tensorAttribute(node, 'value');
    return value === undefined ? !node.attributes.has('value_ints') : value.dtype === 'float32';
  }
  const indices = output === 1 && (node.op === 'TopK' || node.op === 'MaxPool');
  return !indices && floats.has(node.inputs[TYPE_INPUT[node.op] ?? 0] ?? '');
}

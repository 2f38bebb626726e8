import { stringAttribute } from '../ir/attributes.ts';
import { allGraphs } from '../ir/edit.ts';
import { type Graph, isOp, type Node } from '../ir/graph.ts';

const ALWAYS = Number.POSITIVE_INFINITY;

/**
 * Operators that take no float16 below the opset named, by the specification's type constraints or
 * because ONNX Runtime has no kernel that it could put casts around.
 */
const FLOAT32_BELOW: Readonly<Record<string, number>> = {
  Bernoulli: ALWAYS,
  BitCast: ALWAYS,
  BlackmanWindow: ALWAYS,
  Celu: ALWAYS,
  CumSum: 14,
  DFT: ALWAYS,
  DequantizeLinear: 19,
  DynamicQuantizeLinear: ALWAYS,
  EyeLike: ALWAYS,
  HammingWindow: ALWAYS,
  HannWindow: ALWAYS,
  IsInf: 20,
  MeanVarianceNormalization: ALWAYS,
  MelWeightMatrix: ALWAYS,
  Multinomial: ALWAYS,
  NonMaxSuppression: ALWAYS,
  OneHot: ALWAYS,
  QLinearConv: ALWAYS,
  QLinearMatMul: ALWAYS,
  QuantizeLinear: 19,
  RandomNormal: ALWAYS,
  RandomNormalLike: ALWAYS,
  RandomUniform: ALWAYS,
  RandomUniformLike: ALWAYS,
  Range: ALWAYS,
  STFT: ALWAYS,
  TfIdfVectorizer: ALWAYS,
};

/** Inputs that are float32 whatever the type of the data: region and scales of Resize. */
const FLOAT32_INPUTS: Readonly<Record<string, readonly number[]>> = {
  Resize: [1, 2],
  Upsample: [1],
};

/** Inputs that say a shape or a position: what they are computed from must stay exact. */
const SHAPE_INPUTS: Readonly<Record<string, readonly number[]>> = {
  ConstantOfShape: [0],
  Expand: [1],
  Pad: [1],
  Range: [0, 1, 2],
  Reshape: [1],
  Resize: [2, 3],
  Slice: [1, 2, 3, 4],
  Split: [1],
  Tile: [1],
  TopK: [1],
};

/** Arithmetic that computations of shapes are made of; anything else is taken for data. */
const SHAPE_ARITHMETIC = new Set(
  `Add Cast Ceil Concat Div Floor Gather Identity Max Min Mul Pow Reshape Round Slice Sqrt Squeeze Sub
  Unsqueeze Where`.split(/\s+/),
);

export function staysFloat32(node: Node, opset: number): boolean {
  if (node.domain !== '' || addsWhileScattering(node) || givesStatistics(node)) return true;
  return Object.hasOwn(FLOAT32_BELOW, node.op) && opset < FLOAT32_BELOW[node.op]!;
}

/** Mean and deviation come in float32 beside a result of the type of the data (`stash_type`). */
function givesStatistics(node: Node): boolean {
  return isOp(node, 'LayerNormalization') && node.outputs.slice(1).some((name) => name !== '');
}

/** ONNX Runtime scatters float16 on a CPU, but adds, multiplies and compares none while it does. */
function addsWhileScattering(node: Node): boolean {
  if (!isOp(node, 'ScatterElements', 'ScatterND')) return false;
  return stringAttribute(node, 'reduction', 'none') !== 'none';
}

export function isFloat32Input(node: Node, input: number): boolean {
  if (node.domain !== '' || !Object.hasOwn(FLOAT32_INPUTS, node.op)) return false;
  return FLOAT32_INPUTS[node.op]!.includes(input);
}

/**
 * Nodes of a graph and those nested in it that compute shapes; half precision would miscount from
 * 2049 on. Branches may use one name for two values: then both are counted among them.
 */
export function shapeNodes(root: Graph): Set<Node> {
  const nodes = allGraphs(root).flatMap((graph) => graph.nodes);
  const producers = new Map<string, Node[]>();
  for (const node of nodes) {
    for (const name of node.outputs) {
      const others = producers.get(name);
      if (others === undefined) producers.set(name, [node]);
      else others.push(node);
    }
  }
  const found = new Set<Node>();
  const open = nodes.flatMap((node) =>
    node.domain === '' && Object.hasOwn(SHAPE_INPUTS, node.op)
      ? SHAPE_INPUTS[node.op]!.map((input) => node.inputs[input] ?? '')
      : [],
  );
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    for (const node of name === '' ? [] : (producers.get(name) ?? [])) {
      if (found.has(node) || !isOp(node, ...SHAPE_ARITHMETIC)) continue;
      found.add(node);
      open.push(...node.inputs);
    }
  }
  return found;
}

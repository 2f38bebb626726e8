import { floatAttribute } from '../ir/attributes.ts';
import { indexGraph } from '../ir/edit.ts';
import { type Graph, isOp, type Node } from '../ir/graph.ts';
import { toNumbers } from '../ir/tensor.ts';

/** How the values of one tensor follow from others, so that it need not be looked at. */
export type Derivation =
  | { readonly kind: 'same'; readonly from: string }
  /** Cut off; low ≤ 0 ≤ high. */
  | { readonly kind: 'clip'; readonly from: string; readonly low: number; readonly high: number }
  /** All the elements of several tensors. */
  | { readonly kind: 'join'; readonly from: readonly string[] };

/** Which values samples are observed at, and how the others follow, in graph order. */
export interface Observation {
  readonly observed: readonly string[];
  readonly derived: ReadonlyMap<string, Derivation>;
}

/**
 * Operators that give the elements of their first input in another order or number. Of a MaxPool's
 * many small elements less is left, but integer kernels give both sides of it one scale.
 */
const SAME = [
  'Identity',
  'Reshape',
  'Flatten',
  'Squeeze',
  'Unsqueeze',
  'Transpose',
  'Expand',
  'Tile',
  'DepthToSpace',
  'SpaceToDepth',
  'MaxPool',
];

/**
 * Divides the values whose distribution is asked for: most follow from few.
 *
 * What only a Relu or Clip takes is told by what they let through: integers that saturate where these
 * cut off change nothing, and the runtime keeps them fused with the operator before.
 */
export function planObservation(graph: Graph, values: readonly string[]): Observation {
  const wanted = new Set(values);
  const derived = new Map<string, Derivation>();
  const { consumers, outputs, producer } = indexGraph(graph);
  const isInner = (value: string): boolean =>
    producer.has(value) && consumers.get(value)?.length === 1 && !outputs.has(value);
  for (const node of graph.nodes) {
    const [output = ''] = node.outputs;
    const derivation = wanted.has(output) ? derivationOf(node, graph) : undefined;
    if (!derivation || ![derivation.from].flat().every((name) => wanted.has(name))) continue;
    const { kind, from } = derivation;
    if (kind === 'clip' && isInner(from) && !derived.has(from)) {
      derived.set(from, { kind: 'same', from: output });
    } else derived.set(output, derivation);
  }
  return { observed: values.filter((name) => !derived.has(name)), derived };
}

function derivationOf(node: Node, graph: Graph): Derivation | undefined {
  const [from = ''] = node.inputs;
  if (isOp(node, ...SAME)) return { kind: 'same', from };
  if (isOp(node, 'Concat')) return { kind: 'join', from: node.inputs };
  if (isOp(node, 'Relu')) return { kind: 'clip', from, low: 0, high: Number.POSITIVE_INFINITY };
  if (!isOp(node, 'Clip')) return undefined;
  const low = boundOf(node, 1, 'min', graph) ?? Number.NEGATIVE_INFINITY;
  const high = boundOf(node, 2, 'max', graph) ?? Number.POSITIVE_INFINITY;
  return low <= 0 && high >= 0 ? { kind: 'clip', from, low, high } : undefined;
}

/** An input since opset 11, an attribute before; NaN where it is no constant. */
function boundOf(node: Node, input: number, attribute: string, graph: Graph): number | undefined {
  const name = node.inputs[input] ?? '';
  if (name === '') return floatAttribute(node, attribute, undefined);
  const constant = graph.initializers.get(name);
  return constant === undefined ? Number.NaN : (toNumbers(constant)[0] ?? Number.NaN);
}

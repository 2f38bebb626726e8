import { type Graph, isOp, type Node } from '../ir/graph.ts';
import { toFloats } from '../ir/tensor.ts';
import type { BiasSlot } from './bias-slot.ts';
import { ruleOf } from './op-rules.ts';
import { QUANTIZED, type QuantizationParams } from './params.ts';
import type { PlanContext } from './plan-context.ts';

/** Values that a quantized tensor may hold for its saturation to replace a Relu or Clip. */
export interface Bounds {
  readonly low: number;
  readonly high: number;
}

export const UNBOUNDED: Bounds = { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY };

/**
 * The bounds of a Relu or Clip that starts at 0, where an unsigned or asymmetric range can start
 * too. A Clip with another lower bound would need a scale that hits the bound exactly.
 */
function boundsOf(node: Node, graph: Graph): Bounds | undefined {
  if (isOp(node, 'Relu')) return { low: 0, high: Number.POSITIVE_INFINITY };
  if (!isOp(node, 'Clip')) return undefined;
  const bound = (index: number, missing: number): number | undefined => {
    const name = node.inputs[index] ?? '';
    if (name === '') return missing;
    const tensor = graph.initializers.get(name);
    return tensor?.dtype === 'float32' ? toFloats(tensor)[0] : undefined;
  };
  const low = bound(1, Number.NEGATIVE_INFINITY);
  const high = bound(2, Number.POSITIVE_INFINITY);
  return low === 0 && high !== undefined && high > 0 ? { low, high } : undefined;
}

/**
 * The activations whose input nothing else takes and arithmetic makes: what they cut off, the
 * saturation of their quantized output cuts off too, so that their input is never written. And the
 * additions that are the bias of the product before them.
 */
export function findAbsorbed(
  { graph, index }: Pick<PlanContext, 'graph' | 'index'>,
  computes: (node: Node) => boolean,
  biases: Iterable<BiasSlot>,
): Set<Node> {
  const additions = [...biases].map(({ node }) => node).filter((node) => isOp(node, 'Add'));
  const absorbed = graph.nodes.filter((node) => {
    const [value = ''] = node.inputs;
    const producer = index.producer.get(value);
    const sole = index.consumers.get(value)?.length === 1 && !index.outputs.has(value);
    if (!sole || producer === undefined || !computes(producer)) return false;
    return ruleOf(node)?.kind === 'absorbed' && boundsOf(node, graph) !== undefined;
  });
  return new Set([...absorbed, ...additions]);
}

/** What an absorbed node takes from the node that it vanishes into. */
export function absorbedInput(node: Node, { initializers }: Graph): string {
  return node.inputs.find((name) => !initializers.has(name)) ?? '';
}

/** True for a Relu or Clip that integers with these parameters saturate like. */
export function isSaturation(node: Node, graph: Graph, params: QuantizationParams): boolean {
  const bounds = boundsOf(node, graph);
  const { min, max } = QUANTIZED[params.type];
  const largest = Math.fround(params.scale * (max - min));
  return bounds !== undefined && params.zeroPoint === min && largest <= bounds.high;
}

/** The absorbed activation that takes this value. */
function absorbing(value: string, { index, absorbed }: PlanContext): Node | undefined {
  const [taker] = index.consumers.get(value) ?? [];
  return taker !== undefined && absorbed.has(taker) ? taker : undefined;
}

/** The value that is quantized in place of an operator's output: behind its absorbed activations. */
export function settledOutput(value: string, context: PlanContext): string {
  let last = value;
  for (let node = absorbing(last, context); node !== undefined; node = absorbing(last, context)) {
    last = node.outputs[0] ?? last;
  }
  return last;
}

/** Bounds that the activations absorbed between `output` and `settled` set on the quantized value. */
export function absorbedBounds(output: string, settled: string, context: PlanContext): Bounds {
  let bounds = UNBOUNDED;
  for (let name = settled; name !== output; ) {
    const node = context.index.producer.get(name);
    if (node === undefined) break;
    const own = boundsOf(node, context.graph) ?? UNBOUNDED;
    bounds = { low: Math.max(bounds.low, own.low), high: Math.min(bounds.high, own.high) };
    name = absorbedInput(node, context.graph);
  }
  return bounds;
}

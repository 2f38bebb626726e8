import { FlotillaError } from '@flotilla/protocol';
import { tensorAttribute } from './attributes.ts';
import { allGraphs } from './edit.ts';
import { type Graph, isOp, type Model } from './graph.ts';
import { isNumeric, type TensorValue, toFloats } from './tensor.ts';

const FLOATS: ReadonlySet<string> = new Set(['float32', 'float64', 'float16', 'bfloat16']);

/**
 * A model with NaN among its weights computes nothing but NaN: no accuracy can be held against it.
 * Infinities are left: masks of attention hold them on purpose.
 *
 * @throws FlotillaError `model.graph-invalid` naming the first such constant and who takes it
 */
export function checkWeights(model: Model): void {
  for (const graph of allGraphs(model.graph)) {
    for (const [name, tensor] of constantsOf(graph)) {
      const at = nanIn(tensor);
      if (at === undefined) continue;
      const reason = `constant ${JSON.stringify(name)}${takerOf(graph, name)} is NaN at element ${at}`;
      throw new FlotillaError('model.graph-invalid', { graph: graph.name, reason });
    }
  }
}

/** Exporters write weights as initializers or as Constant nodes. */
function constantsOf(graph: Graph): (readonly [string, TensorValue])[] {
  const nodes = graph.nodes.flatMap((node) => {
    const value = isOp(node, 'Constant') ? tensorAttribute(node, 'value') : undefined;
    return value === undefined ? [] : [[node.outputs[0] ?? '', value] as const];
  });
  return [...graph.initializers, ...nodes];
}

/** Position of the first NaN. */
function nanIn(tensor: TensorValue): number | undefined {
  if (!FLOATS.has(tensor.dtype) || !isNumeric(tensor.dtype)) return undefined;
  const at = toFloats(tensor).findIndex(Number.isNaN);
  return at < 0 ? undefined : at;
}

function takerOf(graph: Graph, name: string): string {
  const taker = graph.nodes.find((node) => node.inputs.includes(name));
  return taker ? `, which node ${JSON.stringify(taker.name)} (${taker.op}) takes,` : '';
}

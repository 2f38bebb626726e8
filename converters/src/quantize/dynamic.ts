import { allGraphs, createNamer } from '../ir/edit.ts';
import { cloneModel, type Model, type Node, opsetOf } from '../ir/graph.ts';
import { removeDeadCode } from '../passes/dead-code.ts';
import { constantsOf } from './constants.ts';
import type { DynamicEdit, Rewrite } from './dynamic-edit.ts';
import { rewriteLstm } from './dynamic-lstm.ts';
import { rewriteProduct } from './dynamic-product.ts';
import { impossible, nothingToQuantize, type Skipped } from './impossible.ts';
import { sameNames } from './same-names.ts';
import type { DynamicScheme } from './scheme.ts';

/** DynamicQuantizeLinear begins here. */
const MIN_OPSET = 11;

/** Operators with weights that stay in float, and why. */
const STAYS: Readonly<Partial<Record<string, string>>> = {
  Conv: 'a convolution whose range is found at run time is slower than in float',
  GRU: 'ONNX Runtime has no GRU in integers',
};

export interface WeightOnlyModel {
  readonly model: Model;
  /** By value of the float graph, its name in the new one. */
  readonly renamed: ReadonlyMap<string, string>;
  /** Operators whose weights are integers now. */
  readonly integerNodes: number;
  readonly skipped: readonly Skipped[];
  readonly warnings: readonly string[];
}

/**
 * int8 weights; activations are quantized at run time, each by its own range, so that no samples are
 * needed. MatMul and Gemm with constant weights become portable integer arithmetic; an LSTM becomes
 * DynamicQuantizeLSTM, which ONNX Runtime alone has: **for a target with another runtime name the
 * LSTMs in `scheme.float`**. Subgraphs are rewritten too. Convolutions stay in float, because
 * ConvInteger is slower, and so does GRU, which has no such form.
 *
 * @param model float32, opset 11 or later; it is not changed
 * @throws FlotillaError `quantize.impossible` where nothing can be rewritten
 */
export async function quantizeDynamic(
  model: Model,
  scheme: DynamicScheme,
): Promise<WeightOnlyModel> {
  const opset = opsetOf(model);
  if (opset < MIN_OPSET)
    throw impossible('int8-dynamic', `opset ${opset} has no dynamic quantization`);
  const copy = cloneModel(model);
  const { integerNodes, skipped } = rewriteGraphs(copy, new Set(scheme.float));
  if (integerNodes === 0) {
    throw nothingToQuantize('int8-dynamic', 'no MatMul, Gemm or LSTM can run in integers', skipped);
  }
  removeDeadCode(copy);
  const renamed = sameNames(model.graph, copy.graph);
  return { model: copy, renamed, integerNodes, skipped, warnings: [] };
}

function rewriteGraphs(model: Model, float: ReadonlySet<string>) {
  const scopes = constantsOf(model.graph);
  const shared = { namer: createNamer(model.graph), made: new Map() };
  const skipped: Skipped[] = [];
  let integerNodes = 0;
  for (const graph of allGraphs(model.graph)) {
    const constants = scopes.get(graph)!;
    const edit: DynamicEdit = { ...shared, graph, constants, quantized: new Map() };
    graph.nodes = graph.nodes.flatMap((node) => {
      const rewrite = float.has(node.name) ? undefined : rewriteNode(node, edit);
      if (typeof rewrite === 'string') skipped.push({ node: node.name, reason: rewrite });
      if (rewrite === undefined || typeof rewrite === 'string') return [node];
      integerNodes++;
      if (rewrite.some(({ domain }) => domain !== '')) model.opsets.set('com.microsoft', 1);
      return rewrite;
    });
  }
  return { integerNodes, skipped };
}

function rewriteNode(node: Node, edit: DynamicEdit): Rewrite | undefined {
  return (
    rewriteProduct(node, edit) ??
    rewriteLstm(node, edit) ??
    (node.domain === '' ? STAYS[node.op] : undefined)
  );
}

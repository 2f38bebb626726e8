import type { Tensors } from '@flotilla/model';
import { ortRuntime } from '@flotilla/model/node';
import { isFlotillaError } from '@flotilla/protocol';
import { writeOnnx } from '../formats/onnx/write.ts';
import { indexGraph, removeNodes } from '../ir/edit.ts';
import { NO_EXTRA } from '../ir/extra.ts';
import { type Graph, type Model, makeGraph, makeModel, makeNode, type Node } from '../ir/graph.ts';
import { constantOf } from '../ops/runtime-tensors.ts';
import { type Batch, planBatches } from './constant-folding-plan.ts';

/** How often nodes are tried alone after all of them together were refused. */
const MAX_TRIES = 32;

/**
 * Computes nodes over constants in one run of ONNX Runtime, and puts the results in their place.
 * Results take `room` bytes at most. Appends a line to `did` for each node, and to `declined` for each that could have been folded.
 */
export async function foldByRuntime(
  model: Model,
  room: number,
  did: string[],
  declined: Set<string>,
): Promise<void> {
  const batches = planBatches(model.graph, room, declined).filter(({ wanted }) => wanted.size > 0);
  if (batches.length === 0) return;
  const together = await runBatches(batches, model);
  for (const [i, batch] of batches.entries()) {
    const results = together
      ? resultsOf(together, i, batch)
      : await runAlone(batch, model, declined);
    for (const node of replaceBy(results, batch))
      did.push(`${node.op} ${node.name}: by ONNX Runtime`);
  }
}

/** Each node whose values others take, with all before it, in a run of its own. */
async function runAlone(
  batch: Batch,
  model: Model,
  declined: Set<string>,
): Promise<Map<string, Tensors[string]>> {
  const found = new Map<string, Tensors[string]>();
  const ends = batch.nodes.filter((node) => node.outputs.some((name) => batch.wanted.has(name)));
  for (const node of ends.slice(0, MAX_TRIES)) {
    const wanted = new Set(node.outputs.filter((name) => batch.wanted.has(name)));
    const part = { ...batch, nodes: upTo(node, batch.nodes), wanted };
    const results = await runBatches([part], model);
    if (results === undefined) declined.add(`${node.op} ${node.name}: ONNX Runtime refuses it`);
    else for (const [name, value] of resultsOf(results, 0, part)) found.set(name, value);
  }
  return found;
}

/** A node and those of the nodes before it that it depends on. */
function upTo(node: Node, nodes: readonly Node[]): Node[] {
  const needed = new Set(node.inputs);
  const before = nodes.slice(0, nodes.indexOf(node)).reverse();
  const chain = before.filter((each) => {
    const isNeeded = each.outputs.some((name) => needed.has(name));
    if (isNeeded) for (const name of each.inputs) needed.add(name);
    return isNeeded;
  });
  return [...chain.reverse(), node];
}

/** Undefined where the runtime refuses the nodes. */
async function runBatches(batches: readonly Batch[], model: Model): Promise<Tensors | undefined> {
  const graph = makeGraph('constants', [], []);
  for (const [i, batch] of batches.entries()) addBatch(graph, batch, i);
  const bytes = writeOnnx({ ...makeModel(graph, 13, model.irVersion), opsets: model.opsets });
  try {
    const session = await ortRuntime().load(bytes);
    try {
      return await session.run({});
    } finally {
      await session.dispose();
    }
  } catch (error) {
    if (isFlotillaError(error)) return undefined;
    throw error;
  }
}

/** Graphs beside each other may use one name for two values: each gets its number before it. */
function addBatch(graph: Graph, { nodes, constants, wanted }: Batch, number: number): void {
  const prefixed = (name: string) => (name === '' ? '' : nameIn(number, name));
  for (const node of nodes) {
    const [inputs, outputs] = [node.inputs.map(prefixed), node.outputs.map(prefixed)];
    graph.nodes.push(
      makeNode(node.op, `${number}_${graph.nodes.length}`, inputs, outputs, node.attributes),
    );
    for (const name of node.inputs) {
      const constant = constants.get(name);
      if (constant) graph.initializers.set(prefixed(name), constant);
    }
  }
  const outputs = [...wanted].map((name) => ({ name: prefixed(name), type: undefined }));
  graph.outputs.push(...outputs.map((info) => ({ ...info, extra: NO_EXTRA })));
}

function nameIn(number: number, name: string): string {
  return `${number}:${name}`;
}

function resultsOf(results: Tensors, number: number, { wanted }: Batch) {
  return new Map([...wanted].map((name) => [name, results[nameIn(number, name)]!] as const));
}

/** Puts results in the place of the nodes that only they need, and says which went. */
function replaceBy(results: ReadonlyMap<string, Tensors[string]>, { graph, nodes }: Batch): Node[] {
  const { consumers } = indexGraph(graph);
  const gone = new Set<Node>();
  for (const node of nodes.toReversed()) {
    const unused = (name: string) => consumers.get(name)?.every((each) => gone.has(each)) ?? true;
    if (node.outputs.every((name) => results.has(name) || unused(name))) gone.add(node);
  }
  for (const name of [...gone].flatMap((node) => node.outputs)) {
    const value = results.get(name);
    graph.valueInfo.delete(name);
    if (value !== undefined) graph.initializers.set(name, constantOf(value));
  }
  removeNodes(graph, gone);
  return nodes.filter((node) => gone.has(node));
}

import { allGraphs, createNamer, type Namer, renameUses } from '../ir/edit.ts';
import { cloneGraph, type Graph, isOp, makeNode, type Node } from '../ir/graph.ts';
import { int64Tensor, makeTensor } from '../ir/tensor.ts';
import { type Facts, inferFacts } from '../ops/facts.ts';
import type { Pass } from './pass.ts';

/**
 * Puts the branch that an If always takes in its place, and the body of a Loop that always runs
 * once; a Loop that never runs hands on what it was given.
 */
export const branchInlining: Pass = {
  name: 'branch-inlining',
  run(model) {
    const did: string[] = [];
    const scopes = inferFacts(model.graph, { declared: false });
    const namer = createNamer(model.graph);
    for (const graph of allGraphs(model.graph).reverse()) {
      const facts = scopes.get(graph);
      if (facts === undefined) continue;
      graph.nodes = graph.nodes.flatMap((node) => {
        const replacement = inlined(node, { graph, facts, namer });
        if (replacement !== undefined) did.push(`${node.op} ${node.name}`);
        return replacement ?? [node];
      });
    }
    return { changed: did.length, did };
  },
};

interface Place {
  readonly graph: Graph;
  readonly facts: Facts;
  readonly namer: Namer;
}

function inlined(node: Node, place: Place): Node[] | undefined {
  if (isOp(node, 'If')) {
    const taken = numberOf(node.inputs[0], place);
    const branch = node.attributes.get(taken === 0 ? 'else_branch' : 'then_branch');
    if (taken === undefined || branch?.kind !== 'graph') return undefined;
    return inlineBody(branch.value, [], node.outputs, place);
  }
  return isOp(node, 'Loop') ? inlinedLoop(node, place) : undefined;
}

/** A loop without outputs that grow, whose count of turns is known to be 0 or 1. */
function inlinedLoop(node: Node, place: Place): Node[] | undefined {
  const body = node.attributes.get('body');
  const [count = '', condition = '', ...initial] = node.inputs;
  if (body?.kind !== 'graph' || node.outputs.length > initial.length) return undefined;
  const turns = numberOf(count, place);
  const runs = condition === '' ? 1 : numberOf(condition, place);
  if (turns === 0 || runs === 0) return handOn(initial, node.outputs, place);
  if (turns !== 1 || runs !== 1) return undefined;
  const [first, yes] = [`${node.name}_turn`, `${node.name}_runs`].map(place.namer.fresh);
  place.graph.initializers.set(first!, int64Tensor([], [0]));
  place.graph.initializers.set(yes!, makeTensor('bool', [], Uint8Array.of(1)));
  return inlineBody(body.value, [first!, yes!, ...initial], ['', ...node.outputs], place);
}

/** A scalar that is known before the model runs. */
function numberOf(name: string | undefined, { facts }: Place): number | undefined {
  const elements = facts.get(name ?? '')?.elements;
  return elements?.length === 1 && typeof elements[0] === 'number' ? elements[0] : undefined;
}

/** What the body does, under names that are free around it; its outputs get the names given. */
function inlineBody(
  original: Graph,
  inputs: readonly string[],
  outputs: readonly string[],
  place: Place,
): Node[] {
  const { graph, namer } = place;
  const body = cloneGraph(original);
  const names = new Map(body.inputs.map((input, i) => [input.name, inputs[i] ?? '']));
  const made = new Set(body.nodes.flatMap((node) => node.outputs));
  const copied: (readonly [from: string, to: string])[] = [];
  for (const [i, { name }] of body.outputs.entries()) {
    const to = outputs[i] ?? '';
    if (to === '') continue;
    if (made.has(name) && !names.has(name)) names.set(name, to);
    else copied.push([name, to]);
  }
  const own = [...body.initializers.keys(), ...made].filter((name) => name !== '');
  for (const name of own) if (!names.has(name)) names.set(name, namer.fresh(name));
  for (const [name, value] of body.initializers) graph.initializers.set(names.get(name)!, value);
  for (const [name, value] of body.sparseInitializers) {
    names.set(name, namer.fresh(name));
    graph.sparseInitializers.set(names.get(name)!, value);
  }
  for (const node of body.nodes) {
    node.name = namer.fresh(node.name);
    node.outputs = node.outputs.map((name) => names.get(name) ?? name);
  }
  moveValueInfo(body, graph, names);
  renameUses(body.nodes, names);
  const [from, to] = [
    copied.map(([name]) => names.get(name) ?? name),
    copied.map(([, name]) => name),
  ];
  return [...body.nodes, ...handOn(from, to, place)];
}

function moveValueInfo(body: Graph, graph: Graph, names: ReadonlyMap<string, string>): void {
  for (const info of body.valueInfo.values()) {
    const name = names.get(info.name) ?? info.name;
    if (!graph.outputs.some((output) => output.name === name)) {
      graph.valueInfo.set(name, { ...info, name });
    }
  }
}

/** Values under other names. */
function handOn(from: readonly string[], to: readonly string[], { namer }: Place): Node[] {
  return to.flatMap((name, i) =>
    name === '' ? [] : [makeNode('Identity', namer.fresh(`${name}_same`), [from[i]!], [name])],
  );
}

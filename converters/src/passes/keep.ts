import { closeNames, FlotillaError } from '@flotilla/protocol';
import { allGraphs, subgraphsOf } from '../ir/edit.ts';
import { NO_EXTRA } from '../ir/extra.ts';
import type { Graph, Model, Node } from '../ir/graph.ts';

/** No operator is of this domain: what is in it matches no rewrite. */
const SHIELD = 'flotilla.kept:';

/**
 * Shields what a person wants kept from a pass: a node gets a domain that no rewrite matches, and
 * its outputs, like the values to be kept, become outputs of their graph, which no rewrite may take
 * away. A node around a graph that holds something kept is shielded too.
 *
 * @returns what lifts the shield again
 */
export function shieldKept(model: Model, keep: ReadonlySet<string>): () => void {
  if (keep.size === 0) return () => {};
  const shielded = new Set<Node>();
  const shown = new Map<Graph, ReadonlySet<string>>();
  shieldIn(model.graph, keep, shielded, shown);
  for (const node of shielded) node.domain = SHIELD + node.domain;
  for (const [graph, names] of shown) {
    graph.outputs.push(...[...names].map((name) => ({ name, type: undefined, extra: NO_EXTRA })));
  }
  return () => {
    for (const node of shielded) node.domain = node.domain.slice(SHIELD.length);
    for (const [graph, names] of shown) {
      graph.outputs = graph.outputs.filter(({ name }) => !names.has(name));
    }
  };
}

/** Notes what to shield in one graph and those within it. True where something there is kept. */
function shieldIn(
  graph: Graph,
  keep: ReadonlySet<string>,
  shielded: Set<Node>,
  shown: Map<Graph, ReadonlySet<string>>,
): boolean {
  const names = new Set([...graph.initializers.keys()].filter((name) => keep.has(name)));
  for (const node of graph.nodes) {
    const inner = subgraphsOf(node).map((each) => shieldIn(each, keep, shielded, shown));
    const kept = keep.has(node.name) || inner.includes(true);
    if (kept) shielded.add(node);
    for (const name of node.outputs) {
      if (name !== '' && (kept || keep.has(name))) names.add(name);
    }
  }
  const outputs = new Set(graph.outputs.map((output) => output.name));
  const hidden = [...names].filter((name) => !outputs.has(name));
  if (hidden.length > 0) shown.set(graph, new Set(hidden));
  return names.size > 0;
}

/** @throws FlotillaError `pass.keep-unknown` for a name that is neither a node nor a value. */
export function checkKept(model: Model, keep: ReadonlySet<string>): void {
  if (keep.size === 0) return;
  const known = new Set(allGraphs(model.graph).flatMap(namesIn));
  const name = [...keep].find((each) => !known.has(each));
  if (name === undefined) return;
  throw new FlotillaError('pass.keep-unknown', { name, close: closeNames(name, known) });
}

function namesIn(graph: Graph): string[] {
  return [
    ...graph.inputs.map((input) => input.name),
    ...graph.initializers.keys(),
    ...graph.nodes.flatMap((node) => [node.name, ...node.outputs]),
  ];
}

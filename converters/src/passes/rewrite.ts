import { allGraphs, createNamer, subgraphsOf } from '../ir/edit.ts';
import { type Graph, isOp, type Model, type Node, opsetOf } from '../ir/graph.ts';
import type { TensorValue } from '../ir/tensor.ts';
import { inferFacts } from '../ops/facts.ts';
import { outerConstants, visibleConstants } from './constant-folding-scope.ts';
import { GraphEditor, type Surroundings } from './editor.ts';
import type { Pass, PassResult } from './pass.ts';

/** What became of one node; undefined where the rewrite does not concern it. */
export type Outcome = { readonly did: string } | { readonly declined: string } | undefined;

/** Rewrites around one node through the editor, or says why not. It edits nothing before it is sure. */
export type Rewrite = (node: Node, editor: GraphEditor) => Outcome;

/** Older definitions have other attributes and inputs than rewrites look for. */
const OPSET = 13;

/** One rewrite may make room for another; this many sweeps end what does not end by itself. */
const MAX_SWEEPS = 30;

/** For passes that look for what older definitions do not have. */
export function currentOpset(model: Model): string | undefined {
  if (opsetOf(model) >= OPSET) return undefined;
  return `opset ${OPSET} or above: let opset-upgrade come before it`;
}

/** The line of a report that concerns a node. */
export function lineOf(node: Node, text: string): string {
  return `${node.op} ${JSON.stringify(node.name)}: ${text}`;
}

/** A pass that tries a rewrite on every node of these operators until none is left to rewrite. */
export function rewritePass(name: string, ops: readonly string[], rewrite: Rewrite): Pass {
  return {
    name,
    requires: currentOpset,
    run: (model) => {
      const concerns = (graph: Graph) => graph.nodes.some((node) => isOp(node, ...ops));
      if (!allGraphs(model.graph).some(concerns)) return { changed: 0 };
      return rewriteGraphs(model, (editor) => sweep(editor, ops, rewrite));
    },
  };
}

/** Edits every graph of a model, the inner before the outer, and adds up what was done. */
export function rewriteGraphs(model: Model, edit: (editor: GraphEditor) => PassResult): PassResult {
  const scopes = inferFacts(model.graph, { declared: false });
  const namer = createNamer(model.graph);
  const opset = opsetOf(model);
  const results: PassResult[] = [];
  const visit = (graph: Graph, outer: ReadonlyMap<string, TensorValue>): void => {
    const visible = graph.nodes.some((node) => subgraphsOf(node).length > 0)
      ? visibleConstants(graph, outer)
      : outer;
    for (const inner of graph.nodes.flatMap(subgraphsOf)) visit(inner, visible);
    const around: Surroundings = {
      opset,
      namer,
      facts: scopes.get(graph),
      outer: outerConstants(graph, outer),
    };
    const editor = new GraphEditor(graph, around);
    const result = edit(editor);
    if (result.changed > 0) editor.finish();
    results.push(result);
  };
  visit(model.graph, new Map());
  return {
    changed: results.reduce((sum, { changed }) => sum + changed, 0),
    did: results.flatMap(({ did }) => did ?? []),
    declined: results.flatMap(({ declined }) => declined ?? []),
  };
}

function sweep(editor: GraphEditor, ops: readonly string[], rewrite: Rewrite): PassResult {
  const did: string[] = [];
  const declined = new Map<Node, string>();
  let before = -1;
  for (let i = 0; i < MAX_SWEEPS && did.length !== before; i++) {
    before = did.length;
    for (const node of editor.graph.nodes.slice()) {
      if (!isOp(node, ...ops) || !editor.has(node)) continue;
      const [name, op] = [node.name, node.op];
      const outcome = rewrite(node, editor);
      declined.delete(node);
      if (outcome === undefined) continue;
      if ('declined' in outcome) declined.set(node, lineOf(node, outcome.declined));
      else did.push(`${op} ${JSON.stringify(name)}: ${outcome.did}`);
    }
  }
  const left = [...declined].filter(([node]) => editor.has(node));
  return { changed: did.length, did, declined: left.map(([, line]) => line) };
}

import { FlotillaError } from '@flotilla/protocol';
import { tensorAttribute } from '../ir/attributes.ts';
import { allGraphs, createNamer, type GraphIndex, indexGraph, type Namer } from '../ir/edit.ts';
import { type Graph, isOp, type Model, type Node, opsetOf } from '../ir/graph.ts';
import type { TensorValue } from '../ir/tensor.ts';
import { type Facts, inferFacts } from '../ops/facts.ts';
import { changesOf, isDefined, MAX_UPGRADE, type Upgrade } from '../ops/upgrade/index.ts';
import type { Pass } from './pass.ts';

/** IR version that came with each opset (ONNX Versioning.md), for what older files may not hold. */
const IR_VERSIONS: readonly (readonly [opset: number, ir: number])[] = [
  [25, 13],
  [24, 12],
  [23, 11],
  [21, 10],
  [19, 9],
  [15, 8],
  [12, 7],
  [11, 6],
  [10, 5],
  [1, 4],
];

/**
 * Rewrites a model for a newer ai.onnx opset, node by node, by the table in `ops/upgrade`.
 *
 * @throws FlotillaError `model.opset-unsupported` naming the first node that has no way there.
 */
export const opsetUpgrade: Pass = {
  name: 'opset-upgrade',
  touchesAll: true,
  always: true,
  requires: (_, { opset }) =>
    opset <= MAX_UPGRADE ? undefined : `a target opset of at most ${MAX_UPGRADE}`,
  run(model, { opset }) {
    const from = opsetOf(model);
    if (from >= opset) return { changed: 0 };
    const scopes = inferFacts(model.graph, { declared: true });
    const namer = createNamer(model.graph);
    const changed = allGraphs(model.graph).reduce(
      (sum, graph) =>
        sum + upgradeGraph(graph, { from, to: opset, namer, facts: scopes.get(graph) }),
      0,
    );
    setOpset(model, opset);
    return { changed, notes: [`upgraded from opset ${from} to ${opset}`] };
  },
  ensures: (model, { opset }) =>
    opsetOf(model) >= opset ? undefined : `the model at opset ${opsetOf(model)}`,
};

interface Context {
  readonly from: number;
  readonly to: number;
  readonly namer: Namer;
  readonly facts: Facts | undefined;
}

function setOpset(model: Model, opset: number): void {
  const ir = IR_VERSIONS.find(([since]) => opset >= since)?.[1] ?? 4;
  model.irVersion = Math.max(model.irVersion, ir);
  const rest = [...model.opsets].filter(([domain]) => domain !== '');
  model.opsets = new Map([['', opset], ...rest]);
}

function upgradeGraph(graph: Graph, context: Context): number {
  let changed = 0;
  const before = indexGraph(graph);
  graph.nodes = graph.nodes.flatMap((node) => {
    if (node.domain !== '') return [node];
    const upgrade = makeUpgrade(node, graph, before, context);
    if (!isDefined(node.op, context.from)) {
      return upgrade.refuse(`ai.onnx ${context.from} has no such operator`);
    }
    const changes = changesOf(node.op, context.from, context.to);
    if (changes.length > 0) changed++;
    const upgraded = changes.reduce<readonly Node[]>(
      (nodes, adapt) => {
        const replacement = adapt(upgrade);
        return replacement
          ? nodes.flatMap((each) => (each === node ? replacement : [each]))
          : nodes;
      },
      [node],
    );
    return upgraded.every(isWhole) ? upgraded : upgrade.refuse('it lacks an input or an output');
  });
  return changed;
}

/** Adapters take for granted what an operator must have, and a damaged model may not give. */
function isWhole({ inputs, outputs }: Node): boolean {
  return [...inputs, ...outputs].every((name) => name !== undefined);
}

function makeUpgrade(
  node: Node,
  graph: Graph,
  { producer, consumers, outputs }: GraphIndex,
  { from, to, namer, facts }: Context,
): Upgrade {
  const factsOf = (input: number) => facts?.get(node.inputs[input] ?? '');
  return {
    node,
    graph,
    from,
    constant(input) {
      const name = node.inputs[input] ?? '';
      return graph.initializers.get(name) ?? valueOfConstant(producer.get(name));
    },
    dtype: (input) => factsOf(input)?.dtype,
    shape: (input) => factsOf(input)?.shape,
    add(suffix, tensor) {
      const name = namer.fresh(`${node.name}_${suffix}`);
      graph.initializers.set(name, tensor);
      return name;
    },
    fresh: (suffix) => namer.fresh(`${node.name}_${suffix}`),
    isUsed: (value) => consumers.has(value) || outputs.has(value),
    refuse(reason) {
      const where = { node: node.name, op: node.op, from, to };
      throw new FlotillaError('model.opset-unsupported', { ...where, reason });
    },
  };
}

function valueOfConstant(node: Node | undefined): TensorValue | undefined {
  return node && isOp(node, 'Constant') ? tensorAttribute(node, 'value') : undefined;
}

import { closeNames, FlotillaError } from '@flotilla/protocol';
import { indexGraph } from '../ir/edit.ts';
import { NO_EXTRA } from '../ir/extra.ts';
import { type Graph, type Model, tensorInfo, type ValueInfo } from '../ir/graph.ts';
import { type Facts, inferFacts } from '../ops/facts.ts';
import { removeDeadCode } from './dead-code.ts';

/** Where a model is cut; what is left out stays as it is. */
export interface CutPoints {
  /** Values that are fed from then on; inputs of the model that are still needed stay beside them. */
  readonly inputs?: readonly string[];
  /** Values that come out, in this order. */
  readonly outputs?: readonly string[];
}

/**
 * Cuts a part out of a model, in place: what computes the outputs from the inputs.
 *
 * @throws FlotillaError `cut.unknown` for a name that is no value of the outermost graph,
 * `cut.impossible` where a value has no type or leads nowhere
 */
export function cutModel(model: Model, { inputs = [], outputs }: CutPoints): void {
  const { graph } = model;
  checkNames(graph, [...inputs, ...(outputs ?? [])]);
  const facts = inferFacts(graph, { declared: true }).get(graph);
  const asked = new Set(inputs);
  const fed = inputs.map((name) => infoOf(name, graph, facts));
  if (outputs !== undefined) {
    graph.outputs = [...new Set(outputs)].map((name) => outputOf(name, asked, graph, facts));
  }
  detach(graph, asked);
  graph.inputs = [...graph.inputs.filter(({ name }) => !asked.has(name)), ...fed];
  removeDeadCode(model);
  const { consumers, outputs: made } = indexGraph(graph);
  const idle = inputs.find((name) => !consumers.has(name) && !made.has(name));
  if (idle !== undefined) throw impossible(idle, 'no output depends on it');
  graph.inputs = graph.inputs.filter(({ name }) => consumers.has(name) || asked.has(name));
}

function checkNames(graph: Graph, names: readonly string[]): void {
  const known = new Set([
    ...graph.inputs.map((input) => input.name),
    ...graph.initializers.keys(),
    ...graph.nodes.flatMap((node) => node.outputs),
  ]);
  const unknown = names.find((name) => name === '' || !known.has(name));
  if (unknown === undefined) return;
  throw new FlotillaError('cut.unknown', { value: unknown, close: closeNames(unknown, known) });
}

/** What an input must say of itself: at least its type. */
function infoOf(name: string, graph: Graph, facts: Facts | undefined): ValueInfo {
  const declared = [...graph.inputs, ...graph.outputs].find((info) => info.name === name);
  const known = declared ?? graph.valueInfo.get(name);
  const { dtype, shape } = facts?.get(name) ?? {};
  if (dtype !== undefined) return tensorInfo(name, dtype, shape);
  if (known?.type !== undefined) return known;
  throw impossible(name, 'its type is not known');
}

function outputOf(
  name: string,
  asked: ReadonlySet<string>,
  graph: Graph,
  facts: Facts | undefined,
): ValueInfo {
  if (asked.has(name)) throw impossible(name, 'it is an input and an output');
  const given = graph.inputs.some((input) => input.name === name) || graph.initializers.has(name);
  if (given) throw impossible(name, 'no node makes it');
  const { dtype, shape } = facts?.get(name) ?? {};
  if (dtype !== undefined) return tensorInfo(name, dtype, shape);
  return graph.valueInfo.get(name) ?? { name, type: undefined, extra: NO_EXTRA };
}

/** Takes values from the nodes that make them. */
function detach(graph: Graph, names: ReadonlySet<string>): void {
  for (const node of graph.nodes) {
    if (node.outputs.some((name) => names.has(name))) {
      node.outputs = node.outputs.map((name) => (names.has(name) ? '' : name));
    }
  }
  for (const name of names) {
    graph.initializers.delete(name);
    graph.valueInfo.delete(name);
  }
}

function impossible(value: string, reason: string): FlotillaError {
  return new FlotillaError('cut.impossible', { value, reason });
}
